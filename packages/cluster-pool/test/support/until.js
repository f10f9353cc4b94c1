// Waiting for states, and for rejections.
import { setTimeout as delay } from 'node:timers/promises'

/** Resolves when it holds; looks every few milliseconds. */
export async function until(holds, what = 'what was waited for', ms = 20_000) {
  const due = performance.now() + ms
  for (;;) {
    if (await holds()) return
    if (performance.now() > due) throw new Error(`it never came to this: ${what}`)
    await delay(5)
  }
}

/** What the promise rejects with; an Error of its own if it does not. */
export async function rejectionOf(promise) {
  let value
  try {
    value = await promise
  } catch (error) {
    return error
  }
  throw new Error(`it resolved with ${String(value)}`)
}
