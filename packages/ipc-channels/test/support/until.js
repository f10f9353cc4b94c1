import { setImmediate } from 'node:timers/promises'

export async function until(condition, what) {
  const limit = performance.now() + 10_000
  while (!condition()) {
    if (performance.now() > limit) throw new Error(`never came: ${what}`)
    await setImmediate()
  }
}

export async function turnsOfTheLoop(turns = 3) {
  for (let turn = 0; turn < turns; turn++) await setImmediate()
}

export function thrownBy(call) {
  try {
    call()
  } catch (error) {
    return error
  }
  throw new Error('the call did not throw')
}

export async function rejectionOf(promise) {
  let value
  try {
    value = await promise
  } catch (error) {
    return error
  }
  throw new Error(`the promise was fulfilled with ${String(value)}`)
}

export async function microtasks(count) {
  for (let turn = 0; turn < count; turn++) await Promise.resolve()
}
