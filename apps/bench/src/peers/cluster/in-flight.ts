import type { Runner } from './runner.js'

type Call = Runner['call']

/** Runs so many tasks, at most `most` of them at a time. */
export async function inFlight(call: Call, tasks: number, most: number): Promise<void> {
  let next = 0
  const lane = async () => {
    while (next < tasks) {
      const n = next
      next += 1
      const answer = await call(n)
      if (answer !== n + 1) throw new Error(`a contender answered ${String(answer)} instead of ${n + 1}`)
    }
  }
  await Promise.all(Array.from({ length: Math.min(most, tasks) }, lane))
}

export interface FloodLimits {
  readonly tasks: number
  readonly inFlight: number
  /** ms after which no more are sent. */
  readonly sendMs: number
  /** ms after which one that has no answer does not keep the next one from being sent: it may still come. */
  readonly slotMs: number
  /** ms after the last was sent for which answers are waited for. */
  readonly waitMs: number
}

export interface Flooded {
  readonly sent: number
  /** Without an answer to the end. */
  readonly lost: number
  /** Rejected, or with another answer. */
  readonly wrong: number
  /** ms until the last answer. */
  readonly elapsed: number
}

/** Runs tasks, and counts those that never come to an end. */
export async function flood(call: Call, limits: FloodLimits): Promise<Flooded> {
  const begun = performance.now()
  let [sent, settled, wrong, elapsed] = [0, 0, 0, 0]
  const settle = (isRight: boolean) => {
    settled += 1
    if (!isRight) wrong += 1
    elapsed = performance.now() - begun
  }
  const lane = async (calls: Set<Promise<void>>) => {
    while (sent < limits.tasks && performance.now() - begun < limits.sendMs) {
      const n = sent
      sent += 1
      const answered = call(n).then(
        (answer) => settle(answer === n + 1),
        () => settle(false),
      )
      calls.add(answered)
      void answered.then(() => calls.delete(answered))
      await within(limits.slotMs, answered)
    }
  }
  const open = new Set<Promise<void>>()
  await Promise.all(Array.from({ length: limits.inFlight }, () => lane(open)))
  await within(limits.waitMs, Promise.all(open))
  return { sent, lost: sent - settled, wrong, elapsed }
}

/** Resolves with it, or when the time is over. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work, over])
  clearTimeout(timer)
}
