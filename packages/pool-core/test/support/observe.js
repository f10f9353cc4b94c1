import { readFileSync } from 'node:fs'
import { setImmediate, setTimeout } from 'node:timers/promises'

export async function until(condition, what) {
  const limit = performance.now() + 25_000
  while (!(await condition())) {
    if (performance.now() > limit) throw new Error(`never came: ${what}`)
    // Leaves the processor to those whose state it is.
    await setTimeout(1)
  }
}

export async function turnsOfTheLoop(turns = 5) {
  for (let turn = 0; turn < turns; turn++) await setImmediate()
}

export async function rejectionOf(promise) {
  let value
  try {
    value = await promise
  } catch (error) {
    return error
  }
  throw new Error(`the promise did not reject, it resolved with ${String(value)}`)
}

export function thrownBy(call) {
  try {
    call()
  } catch (error) {
    return error
  }
  throw new Error('the call did not throw')
}

export function isAlive(pid) {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  try {
    // A zombie has ended, only its parent has not looked yet.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return process.platform !== 'linux'
  }
}
