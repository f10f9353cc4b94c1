import { AsyncRateLimiter } from '@heddle/async-patterns'
import { failureCode } from '../failure-code.js'
import type { Pattern } from '../pattern.js'

const rate = 5
const per = 100
const tasks = 20
const anHour = 3_600_000

/** Tasks ask for permits, first without waiting, then with. */
export const asyncRateLimiter: Pattern = {
  name: 'async-rate-limiter',
  title: 'AsyncRateLimiter',
  kind: 'class',
  packages: ['@heddle/async-patterns'],
  mends:
    '`wait` asks again every 10 ms, and whoever happens to ask first is let through: here those who wait are served in order, each when its permit is there',
  async run({ print, signal }) {
    // The document's `acquire`, which says yes or no.
    const slow = new AsyncRateLimiter(rate, anHour)
    const answers = Array.from({ length: rate + 2 }, () => slow.tryAcquire())
    print(`asked ${answers.length} times: ${answers.filter(Boolean).length} permits`)
    // It is clear that no permit can come so soon: nobody waits for it.
    const tooSoon = await failureCode(signal, () => slow.acquire({ timeout: 1_000, signal }))

    // The document's `wait`.
    const begun = performance.now()
    const limiter = new AsyncRateLimiter(rate, per)
    const order: number[] = []
    const times: number[] = []
    await Promise.all(
      Array.from({ length: tasks }, async (_, task) => {
        await limiter.acquire({ signal })
        order.push(task)
        times.push(performance.now() - begun)
      }),
    )
    print(`${tasks} permits in ${Math.round(times.at(-1) as number)} ms, ${rate} per ${per} ms`)

    // A full bucket, and what has dripped in since: each time was taken after its grant, so there can never be more.
    const allowedAt = (ms: number) => rate + Math.floor((ms * rate) / per)
    const inTurn = Array.from({ length: tasks }, (_, task) => task)
    return [
      { what: 'yes while there are permits, then no', actual: answers, expected: answers.map((_, ask) => ask < rate) },
      { what: 'who cannot be served in time is told at once', actual: tooSoon, expected: 'ERR_TIMEOUT' },
      { what: 'first come, first served', actual: order, expected: inTurn },
      {
        what: 'no permit comes before its time',
        actual: times.filter((ms, before) => before + 1 > allowedAt(ms)),
        expected: [],
      },
      {
        what: 'the most permits that there can be in so many milliseconds',
        actual: [0, 19, 20, 99, 100, 1_000].map((ms) => limiter.bound(ms)),
        expected: [5, 5, 6, 9, 10, 55],
      },
    ]
  },
}
