// What the cases claim with. It runs in a page too, so it uses nothing of Node.

export const turn = () => new Promise((resolve) => setTimeout(resolve, 0))

export function ok(condition, what) {
  if (!condition) throw new Error(`not so: ${what}`)
}

export function equal(actual, expected, what) {
  if (!Object.is(actual, expected)) throw new Error(`${what}: expected ${show(expected)}, got ${show(actual)}`)
}

/** For lists of plain values. */
export function equalList(actual, expected, what) {
  equal(JSON.stringify(actual), JSON.stringify(expected), what)
}

export function throws(call, code, what) {
  let result
  try {
    result = call()
  } catch (error) {
    equal(error.code, code, `${what}: the code of ${show(error)}`)
    return error
  }
  throw new Error(`${what}: expected ${code}, got ${show(result)}`)
}

export async function rejects(promise, code, what) {
  const { status, value, reason } = (await Promise.allSettled([promise]))[0]
  if (status === 'fulfilled') throw new Error(`${what}: expected ${code}, got ${show(value)}`)
  equal(reason?.code, code, `${what}: the code of ${show(reason)}`)
  return reason
}

export async function rejectsWith(promise, expected, what) {
  const { status, value, reason } = (await Promise.allSettled([promise]))[0]
  if (status === 'fulfilled') throw new Error(`${what}: expected ${show(expected)}, got ${show(value)}`)
  equal(reason, expected, what)
}

/** That a promise stays pending while the event loop goes round a few times. */
export async function staysPending(promise, what) {
  let settled = false
  const settle = () => {
    settled = true
  }
  promise.then(settle, settle)
  for (let turns = 0; turns < 5; turns++) await turn()
  ok(!settled, what)
}

/** A controller whose signal counts the listeners that hang on it. */
export function countingController() {
  const controller = new AbortController()
  const { signal } = controller
  const listeners = new Set()
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (type, listener, options) => {
    listeners.add(listener)
    add(type, listener, options)
  }
  signal.removeEventListener = (type, listener, options) => {
    listeners.delete(listener)
    remove(type, listener, options)
  }
  return { controller, signal, listeners }
}

/** A task that ends when its signal aborts, with its reason. */
export const untilAborted = ({ signal }) =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

function show(value) {
  if (typeof value === 'symbol' || value instanceof Error) return String(value)
  return typeof value === 'string' ? `'${value}'` : String(value)
}
