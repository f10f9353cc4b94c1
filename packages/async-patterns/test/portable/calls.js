import { retry, singleFlight } from '@heddle/async-patterns'
import { countingController, equal, equalList, ok, rejects, rejectsWith, turn, untilAborted } from './assert.js'

export const cases = [
  {
    name: 'retry: tries until it succeeds, and pauses as it says',
    async run() {
      const pauses = []
      const begun = performance.now()
      const fn = ({ attempt }) => {
        if (attempt < 3) throw new Error(`attempt ${attempt}`)
        return attempt
      }
      const onRetry = (_, { delay }) => void pauses.push(delay)
      equal(await retry(fn, { minDelay: 10, jitter: 0, onRetry }), 3, 'the result')
      equalList(pauses, [10, 20], 'the pauses')
      ok(performance.now() - begun >= 30, 'both pauses are made')
    },
  },
  {
    name: 'retry: throws the last error as itself',
    async run() {
      const failures = []
      const fn = () => {
        failures.push(new Error('failed'))
        throw failures.at(-1)
      }
      const { reason } = (await Promise.allSettled([retry(fn, { minDelay: 0, maxAttempts: 4 })]))[0]
      equal(failures.length, 4, 'the attempts')
      equal(reason, failures[3], 'the error')
    },
  },
  {
    name: 'retry: its time is over not before it, and the last error is the cause',
    async run() {
      const begun = performance.now()
      const fn = () => Promise.reject('failed')
      const error = await rejects(retry(fn, { timeout: 30, minDelay: 60_000, jitter: 0 }), 'ERR_TIMEOUT', 'retry')
      ok(performance.now() - begun >= 30, 'it takes at least 30 ms')
      equal(error.cause, 'failed', 'the cause')
    },
  },
  {
    name: 'retry: an abort ends an attempt and a pause with the reason as given, and leaves no listener',
    async run() {
      for (const fn of [untilAborted, () => Promise.reject('failed')]) {
        const controller = new AbortController()
        const reason = { why: 'enough' }
        const result = retry(fn, { signal: controller.signal, minDelay: 60_000, jitter: 0 })
        await turn()
        controller.abort(reason)
        await rejectsWith(result, reason, 'retry')
      }
      const { signal, listeners } = countingController()
      equal(
        await retry(({ attempt }) => (attempt < 2 ? Promise.reject('failed') : 'done'), { signal, minDelay: 1 }),
        'done',
        'it',
      )
      equal(listeners.size, 0, 'listeners after a success')
    },
  },
  {
    name: 'singleFlight: callers of one key share one call, others have their own, and nothing is kept',
    async run() {
      const calls = []
      const load = singleFlight(async (key) => {
        calls.push(key)
        await turn()
        return `${key} ${calls.length}`
      })
      equalList(await Promise.all([load('a'), load('a'), load('b')]), ['a 2', 'a 2', 'b 2'], 'the results')
      equal(load.size, 0, 'calls under way')
      equal(await load('a'), 'a 3', 'a later call')
    },
  },
  {
    name: 'singleFlight: one that gives up takes only itself away',
    async run() {
      const controller = new AbortController()
      let own
      const load = singleFlight(async (_, context) => {
        own = context.signal
        await turn()
        await turn()
        return 'result'
      })
      const [leaving, staying] = [load('a', { signal: controller.signal }), load('a')]
      controller.abort('enough')
      await rejectsWith(leaving, 'enough', 'who left')
      equal(await staying, 'result', 'who stayed')
      equal(own.aborted, false, 'the signal of the call is aborted')
    },
  },
  {
    name: 'singleFlight: the last one that leaves aborts the call, and who comes then waits for its end',
    async run() {
      let calls = 0
      let atWork = 0
      let most = 0
      const load = singleFlight(async (_, context) => {
        calls += 1
        atWork += 1
        most = Math.max(most, atWork)
        try {
          if (calls > 1) return 'anew'
          return await untilAborted(context)
        } finally {
          await turn()
          atWork -= 1
        }
      })
      await rejects(load('a', { timeout: 5 }), 'ERR_TIMEOUT', 'who left')
      equal(await load('a'), 'anew', 'who came then')
      equalList([calls, most, load.size], [2, 1, 0], 'calls, the most at work, and those under way')
    },
  },
]
