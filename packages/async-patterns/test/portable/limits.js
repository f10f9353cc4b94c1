import { AsyncKeyedRateLimiter, AsyncRateLimiter } from '@heddle/async-patterns'
import { equal, equalList, ok, rejects, rejectsWith, throws } from './assert.js'

export const cases = [
  {
    name: 'AsyncRateLimiter: the burst at once, then one in each stretch of time',
    async run() {
      const limiter = new AsyncRateLimiter(1, 20, { burst: 3 })
      const begun = performance.now()
      const at = []
      for (let i = 0; i < 5; i++) {
        await limiter.acquire()
        at.push(performance.now() - begun)
      }
      ok(at[2] < 20, `three at once, not after ${at[2]} ms`)
      ok(at[3] >= 19.9, `the fourth after 20 ms, not ${at[3]}`)
      ok(at[4] >= 39.9, `the fifth after 40 ms, not ${at[4]}`)
    },
  },
  {
    name: 'AsyncRateLimiter: what cannot come in time is refused at once, and takes nothing',
    async run() {
      const limiter = new AsyncRateLimiter(1, 10_000)
      equal(limiter.tryAcquire(), true, 'the first')
      equal(limiter.tryAcquire(), false, 'the second')
      const begun = performance.now()
      await rejects(limiter.acquire({ timeout: 5_000 }), 'ERR_TIMEOUT', 'the third')
      ok(performance.now() - begun < 1_000, 'it does not wait')
      equal(limiter.waiting, 0, 'who waits')
      throws(() => limiter.tryAcquire(2), 'ERR_OUT_OF_RANGE', 'more than the burst')
    },
  },
  {
    name: 'AsyncRateLimiter: who is aborted leaves the line, and close ends all waiting',
    async run() {
      const limiter = new AsyncRateLimiter(1, 10_000)
      await limiter.acquire()
      const controller = new AbortController()
      const [first, second] = [limiter.acquire({ signal: controller.signal }), limiter.acquire()]
      equal(limiter.waiting, 2, 'who waits')
      controller.abort('enough')
      await rejectsWith(first, 'enough', 'the first')
      limiter.close()
      await rejects(second, 'ERR_CLOSED', 'the second')
    },
  },
  {
    name: 'AsyncRateLimiter: strict mode has never more than the rate in any stretch of its length',
    async run() {
      const limiter = new AsyncRateLimiter(3, 30, { strict: true })
      const at = []
      await Promise.all(Array.from({ length: 9 }, () => limiter.acquire().then(() => at.push(performance.now()))))
      for (let i = 3; i < at.length; i++) {
        const apart = at[i] - at[i - 3]
        ok(apart >= 29.9, `${i - 3} and ${i} are at least 30 ms apart, not ${apart}`)
      }
    },
  },
  {
    name: 'AsyncRateLimiter: a reservation says when it is due, and can be given back',
    async run() {
      const limiter = new AsyncRateLimiter(1, 1_000)
      equal(limiter.reserve().ready, true, 'the first')
      const [second, third] = [limiter.reserve(), limiter.reserve()]
      ok(third.delay > 1_000 && third.delay <= 2_000, `the third is due in its time, not ${third.delay}`)
      equal(second.cancel(), true, 'the second is given back')
      ok(third.delay <= 1_000, `the third moves up, not ${third.delay}`)
      third[Symbol.dispose]()
      equal(limiter.waiting, 0, 'who waits')
    },
  },
  {
    name: 'AsyncKeyedRateLimiter: each key has its own permits, and unused ones are dropped',
    async run() {
      const limiter = new AsyncKeyedRateLimiter(1, 10_000, { maxKeys: 2 })
      equalList(
        ['a', 'a', 'b', 'c'].map((key) => limiter.tryAcquire(key)),
        [true, false, true, false],
        'what is taken',
      )
      equal((await rejects(limiter.acquire('c'), 'ERR_TIMEOUT', 'a key too many')).item, 'c', 'the key')
      equal(limiter.forget('a'), true, 'one is forgotten')
      equal(limiter.tryAcquire('c'), true, 'now there is room')
      const quick = new AsyncKeyedRateLimiter(1_000, 1)
      for (let i = 0; i < 2_000; i++) await quick.acquire(i)
      ok(quick.size < 2_000, `full keys are dropped, not kept: ${quick.size}`)
    },
  },
]
