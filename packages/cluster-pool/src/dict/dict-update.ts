import {
  addAbortCallback,
  objectOf,
  removeAbortCallback,
  signalOf,
  startTimer,
  timeoutOf,
} from '@heddle/pool-core/building-blocks'
import type { UpdateOptions } from './dict-options.js'

const firstPauseMs = 2
const longestPauseMs = 50

/** Waits for something no longer than there is time. */
type Limit = <Part>(part: Part | PromiseLike<Part>) => Promise<Part>

const late = Symbol('late')

/**
 * Tries until there is a result, with growing pauses of random length, so that of those who got into each other's way one
 * gets ahead. Resolves with undefined when the time is over.
 *
 * @param attempt - one of them; what it waits for by `limit` is left when the time is over, all else is finished first
 * @throws (rejects) the reason of the signal; what an attempt throws; TypeError, RangeError: bad options
 */
export async function attempts<Result>(
  options: UpdateOptions | undefined,
  attempt: (limit: Limit) => Promise<Result | undefined>,
): Promise<Result | undefined> {
  const given = objectOf('options', options)
  const timeout = timeoutOf(given.timeout)
  const signal = signalOf(given.signal)
  if (signal?.aborted) throw signal.reason
  let giveUp: (reason: unknown) => void = () => undefined
  let isOver = false
  const over = new Promise<never>((_, reject) => {
    giveUp = (reason) => {
      isOver = true
      reject(reason)
    }
  })
  // Also when nobody waits for it at the time.
  over.catch(() => undefined)
  const onAbort = () => giveUp(signal?.reason)
  if (signal) addAbortCallback(signal, onAbort)
  const stopTimer = timeout ? startTimer(timeout, () => giveUp(late)) : undefined
  const limit: Limit = (part) => Promise.race([over, part])
  try {
    for (let pause = firstPauseMs; ; pause = Math.min(2 * pause, longestPauseMs)) {
      const result = await attempt(limit)
      if (result !== undefined || timeout === 0) return result
      await limit(isOver ? over : randomPause(pause))
    }
  } catch (error) {
    if (error === late) return undefined
    throw error
  } finally {
    stopTimer?.()
    if (signal) removeAbortCallback(signal, onAbort)
  }
}

function randomPause(most: number): Promise<void> {
  return new Promise((resolve) => {
    startTimer(most * Math.random(), resolve)
  })
}
