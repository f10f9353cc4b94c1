/** The task of the contenders whose worker is a module with a function. */
export default (n: number): number => n + 1
