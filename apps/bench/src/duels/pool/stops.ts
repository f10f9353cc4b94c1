import { setImmediate, setTimeout } from 'node:timers/promises'
import type { DuelRunner } from '../../arena.js'
import { newThreads } from '../../peers/pool/heddle.js'
import { increment, spin } from '../../peers/pool/heddle-tasks.js'
import * as tinypool from '../../peers/pool/tinypool.js'
import { timed } from './duel.js'

/** A pool of one worker. */
interface Stoppable {
  readonly version: string
  /** Counts up in the word until it is stopped. */
  readonly spin: (word: Int32Array<SharedArrayBuffer>, signal: AbortSignal) => Promise<unknown>
  readonly increment: (n: number) => Promise<number>
  readonly close: () => Promise<unknown>
}

/** For how long a word must not have moved to be taken for one that nobody moves. */
const stillMs = 50

/** Tasks that never end by themselves. */
export const stopDuels: Readonly<Record<string, DuelRunner>> = {
  'cancel/stopped': stopping(untilStill),
  'cancel/next': stopping(untilNext),
}

function stopping(measure: (pool: Stoppable) => Promise<number>): DuelRunner {
  return async ({ rounds }) => {
    const [rival, ours] = [await raw(), heddle()]
    try {
      return await timed(
        rounds,
        rival.version,
        () => measure(ours),
        () => measure(rival),
      )
    } finally {
      await Promise.all([ours.close(), rival.close()])
    }
  }
}

function heddle(): Stoppable {
  const pool = newThreads(1)
  return {
    version: '',
    spin: (word, signal) => pool.run(spin, [word], { signal }),
    increment: (n) => pool.run(increment, [n]),
    close: () => pool.drain(),
  }
}

async function raw(): Promise<Stoppable> {
  const { pool, version } = await tinypool.newThreads(1, 'increment')
  const filename = tinypool.fileOf('spin')
  return {
    version,
    spin: (word, signal) => pool.run(word, { signal, filename }),
    increment: (n) => pool.run(n),
    close: () => pool.destroy(),
  }
}

/** µs from the abort until the promise has rejected and the task has done its last step. */
async function untilStill(pool: Stoppable): Promise<number> {
  const { word, abort } = await spinning(pool)
  const { begun, rejected } = abort()
  const rejectedAt = await rejected
  const stoppedAt = await lastMove(word)
  return (Math.max(rejectedAt, stoppedAt) - begun) * 1000
}

/** µs from the abort until a task that is submitted at once has its result. */
async function untilNext(pool: Stoppable): Promise<number> {
  const { abort } = await spinning(pool)
  const { begun, rejected } = abort()
  if ((await pool.increment(1)) !== 2) throw new Error('a wrong result')
  const doneAt = performance.now()
  await rejected
  return (doneAt - begun) * 1000
}

async function spinning(pool: Stoppable) {
  const word = new Int32Array(new SharedArrayBuffer(4))
  const controller = new AbortController()
  const rejected = pool.spin(word, controller.signal).then(
    () => Promise.reject(new Error('it has come to an end')),
    () => performance.now(),
  )
  while (Atomics.load(word, 0) === 0) await Promise.race([rejected, setTimeout(1)])
  const abort = () => {
    const begun = performance.now()
    controller.abort()
    return { begun, rejected }
  }
  return { word, abort }
}

/** When the word was last seen to move, as soon as it stands still; 0 if it has not moved at all. */
async function lastMove(word: Int32Array): Promise<number> {
  let [seen, movedAt, since] = [Atomics.load(word, 0), 0, performance.now()]
  while (performance.now() - since < stillMs) {
    await setImmediate()
    const now = Atomics.load(word, 0)
    if (now === seen) continue
    seen = now
    movedAt = since = performance.now()
  }
  return movedAt
}
