// Taken before any test installs fake timers.
const realSetImmediate = setImmediate

export function drain() {
  return new Promise((resolve) => {
    realSetImmediate(resolve)
  })
}

export function observe(promise) {
  const observed = { state: 'pending' }
  promise.then(
    (value) => Object.assign(observed, { state: 'fulfilled', value }),
    (reason) => Object.assign(observed, { state: 'rejected', reason }),
  )
  return observed
}

export function rejectionOf(promise) {
  return promise.then(
    () => {
      throw new Error('it was fulfilled')
    },
    (reason) => reason,
  )
}
