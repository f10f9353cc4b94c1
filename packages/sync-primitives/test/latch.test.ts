import { Latch } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { EventWorker, sleepersAre } from './support/event-worker.js'
import { rejectsWith } from './support/rejects.js'
import { sharedWords, wordsUnder } from './support/shared-words.js'
import { thrownBy, turnsOfTheLoop, until } from './support/until.js'

const most = 2 ** 30 - 1

describe('one thread', () => {
  test('countDown gives the count after it, and at 0 the latch is open for ever', async () => {
    const latch = new Latch(5)
    expect([latch.count, latch.countDown(), latch.countDown(3), latch.count]).toEqual([5, 4, 1, 1])
    expect([latch.waitSync({ timeout: 0 }), await latch.wait({ timeout: 0 })]).toEqual([false, false])
    expect(latch.countDown()).toBe(0)
    for (let time = 0; time < 3; time++)
      expect([latch.waitSync(), await latch.wait(), latch.waitSync({ timeout: 0 }), latch.count]).toEqual([
        true,
        true,
        true,
        0,
      ])
  })

  test('a latch of 0 is open from the beginning', async () => {
    const latch = new Latch(0)
    expect([latch.count, latch.waitSync({ timeout: 0 }), await latch.wait()]).toEqual([0, true, true])
  })

  test('all tasks that wait go through at 0, and none before', async () => {
    const latch = new Latch(3)
    let passed = 0
    const waits = Array.from({ length: 50 }, () => latch.wait().then((open) => (passed += open ? 1 : 0)))
    latch.countDown(2)
    await turnsOfTheLoop(8)
    expect(passed).toBe(0)
    latch.countDown()
    await Promise.all(waits)
    expect(passed).toBe(50)
  })

  test('counting below 0 is an error that changes nothing', () => {
    const latch = new Latch(2)
    const overRelease = { name: 'LockStateError', code: 'ERR_OVER_RELEASE' }
    expect(thrownBy(() => latch.countDown(3))).toMatchObject(overRelease)
    expect(thrownBy(() => latch.countDown(most))).toMatchObject(overRelease)
    expect(latch.count).toBe(2)
    latch.countDown(2)
    expect(thrownBy(() => latch.countDown())).toMatchObject(overRelease)
    expect((thrownBy(() => latch.countDown(7)) as Error).message).toContain('by 7 would make the count negative')
    expect(latch.count).toBe(0)
  })

  test('the largest count', () => {
    const latch = new Latch(most)
    expect(latch.count).toBe(most)
    expect(latch.waitSync({ timeout: 0 })).toBe(false)
    expect([latch.countDown(most - 1), latch.countDown()]).toEqual([1, 0])
    expect(latch.waitSync()).toBe(true)
  })

  test.each([[-1], [0.5], [Number.NaN], [Number.POSITIVE_INFINITY], [most + 1], ['1'], [1n], [null], [undefined]])(
    'a latch of %p is an error, and so is counting down by it',
    (value) => {
      const code = typeof value === 'number' ? 'ERR_OUT_OF_RANGE' : 'ERR_INVALID_ARG'
      expect(thrownBy(() => new Latch(value as number))).toMatchObject({ code })
      const latch = new Latch(3)
      // Without an argument it counts by 1.
      expect(thrownBy(() => latch.countDown((value ?? null) as number))).toMatchObject({ code })
      expect(thrownBy(() => latch.countDown(0))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
      expect(latch.count).toBe(3)
    },
  )

  test('bad options of a wait are errors, also of an open latch', async () => {
    for (const latch of [new Latch(1), new Latch(0)]) {
      for (const [options, code] of [
        [null, 'ERR_INVALID_ARG'],
        [{ timeout: '5' }, 'ERR_INVALID_ARG'],
        [{ timeout: -1 }, 'ERR_OUT_OF_RANGE'],
        [{ timeout: Number.NaN }, 'ERR_OUT_OF_RANGE'],
      ] as const) {
        await expect(latch.wait(options as object)).rejects.toMatchObject({ code })
        expect(thrownBy(() => latch.waitSync(options as object))).toMatchObject({ code })
      }
      await expect(latch.wait({ signal: {} as AbortSignal })).rejects.toMatchObject({ code: 'ERR_INVALID_ARG' })
    }
  })

  test('a timeout gives false, not before its time; an abort rejects with the reason; both change nothing', async () => {
    const latch = new Latch(1)
    const controller = new AbortController()
    const reason = new Error('enough')
    const aborted = rejectsWith(latch.wait({ signal: controller.signal }), reason)
    const patient = latch.wait()
    const begun = performance.now()
    expect(await latch.wait({ timeout: 60 })).toBe(false)
    const middle = performance.now()
    expect(latch.waitSync({ timeout: 60 })).toBe(false)
    for (const waited of [middle - begun, performance.now() - middle]) {
      expect(waited).toBeGreaterThanOrEqual(60)
      expect(waited).toBeLessThan(1_060)
    }
    controller.abort(reason)
    await aborted
    await expect(latch.wait({ signal: controller.signal })).rejects.toBe(reason)
    expect(latch.count).toBe(1)
    latch.countDown()
    expect(await patient).toBe(true)
    expect(wordsUnder(latch).words[wordsUnder(latch).state]).toBe(0)
  })
})

describe('between threads', () => {
  test('threads that block and await, and this one, go through when the last one has counted', async () => {
    const latch = new Latch(3)
    const workers = await Promise.all([1, 2, 3].map(() => EventWorker.with({ latch })))
    const waits = [
      ...workers.slice(0, 2).map((worker, i) => worker.call('latch', i ? 'wait' : 'waitSync')),
      latch.wait(),
    ]
    await sleepersAre(latch, 3)
    latch.countDown(2)
    await sleepersAre(latch, 3)
    expect(await workers[2]?.call('latch', 'countDown')).toBe(0)
    expect(await Promise.all(waits)).toEqual([true, true, true])
  })

  test('threads count down at once: no count is lost, and exactly one makes it 0', async () => {
    for (let round = 0; round < 5; round++) {
      const parties = 4
      const latch = new Latch(parties * 25)
      const workers = await Promise.all(Array.from({ length: parties }, () => EventWorker.with({ latch })))
      const counts = workers.flatMap((worker) => Array.from({ length: 25 }, () => worker.call('latch', 'countDown')))
      expect(latch.waitSync({ timeout: 5_000 })).toBe(true)
      const seen = ((await Promise.all(counts)) as number[]).sort((a, b) => a - b)
      expect(seen).toEqual(Array.from({ length: parties * 25 }, (_, i) => i))
    }
  })

  test('this thread blocks until a worker counts', async () => {
    const latch = new Latch(1)
    const worker = await EventWorker.with({ latch })
    const counted = worker.call('latch', 'countDown')
    expect(latch.waitSync({ timeout: 5_000 })).toBe(true)
    await counted
  })

  test.each([true, false])(
    'what was written before countDown is there after the wait: blocking %p',
    async (blocking) => {
      const rounds = 200
      const latches = Array.from({ length: rounds }, (_, i) => [`latch${i}`, new Latch(1)] as const)
      const worker = await EventWorker.with(Object.fromEntries(latches))
      const words = sharedWords(rounds)
      const missing = worker.run('readAfter', { names: latches.map(([name]) => name), blocking, words })
      const begun = performance.now()
      for (const [i, [, latch]] of latches.entries()) {
        words[i] = i + 1
        latch.countDown()
        if (i % 8 === 0) await turnsOfTheLoop(1)
      }
      expect(await missing).toBe(0)
      expect(performance.now() - begun).toBeLessThan((rounds * 50) / 4)
    },
  )

  test.each(['waitSync', 'wait'])('the count that makes it 0 wakes a sleeping thread at once: %s', async (form) => {
    const waits: number[] = []
    for (let round = 0; round < 7; round++) {
      const latch = new Latch(1)
      const worker = await EventWorker.with({ latch })
      const passed = worker.call('latch', form)
      const { words, state } = wordsUnder(latch)
      await until(() => (Atomics.load(words, state) & 1) === 1, 'the worker waits')
      await turnsOfTheLoop()
      const begun = performance.now()
      latch.countDown()
      await passed
      waits.push(performance.now() - begun)
    }
    // One that is not woken sleeps for the rest of 50 ms.
    expect(waits.sort((a, b) => a - b)[3]).toBeLessThan(25)
  })

  test('a thread whose wake-up was lost looks again by itself', async () => {
    const latch = new Latch(1)
    const workers = await Promise.all([1, 2].map(() => EventWorker.with({ latch })))
    const waits = workers.map((worker, i) => worker.call('latch', i ? 'wait' : 'waitSync'))
    await sleepersAre(latch, 2)
    const { words, state } = wordsUnder(latch)
    Atomics.store(words, state, 0) // open, and nobody woken
    expect(await Promise.all(waits)).toEqual([true, true])
  })

  test('one that is terminated while it waits does no harm; one that ends before it counts leaves the count', async () => {
    const latch = new Latch(2)
    const [doomed, other] = (await Promise.all([1, 2].map(() => EventWorker.with({ latch })))) as [
      EventWorker,
      EventWorker,
    ]
    void doomed.call('latch', 'waitSync')
    const wait = other.call('latch', 'waitSync')
    await sleepersAre(latch, 2)
    await doomed.terminate()
    expect(latch.count).toBe(2)
    latch.countDown(2)
    expect(await wait).toBe(true)
  })
})
