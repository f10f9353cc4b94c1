/** A name that no other run of the tests on this machine has: the names of a user's segments share one folder. */
export const own = (name) => `${name}-${process.pid}`
