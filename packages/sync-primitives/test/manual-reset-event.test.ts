import { ManualResetEvent } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { EventWorker, sleepersAre } from './support/event-worker.js'
import { rejectsWith } from './support/rejects.js'
import { sharedWords, wordsUnder } from './support/shared-words.js'
import { thrownBy, turnsOfTheLoop, until } from './support/until.js'

const threads = (event: ManualResetEvent, count: number) =>
  Promise.all(Array.from({ length: count }, () => EventWorker.with({ event })))

describe('one thread', () => {
  test('it is as it was made, and set and reset change it, also twice', () => {
    expect([new ManualResetEvent().isSet, new ManualResetEvent(false).isSet, new ManualResetEvent(true).isSet]).toEqual(
      [false, false, true],
    )
    const event = new ManualResetEvent()
    event.reset()
    expect(event.isSet).toBe(false)
    event.set()
    event.set()
    expect(event.isSet).toBe(true)
    event.reset()
    event.reset()
    expect(event.isSet).toBe(false)
  })

  test('a wait of 0 looks once, blocking or awaiting', async () => {
    const event = new ManualResetEvent()
    expect([await event.wait({ timeout: 0 }), event.waitSync({ timeout: 0 })]).toEqual([false, false])
    event.set()
    expect([await event.wait({ timeout: 0 }), event.waitSync({ timeout: 0 })]).toEqual([true, true])
    expect([await event.wait(), event.waitSync(), event.isSet]).toEqual([true, true, true])
    event.reset()
    expect([await event.wait({ timeout: 0 }), event.waitSync({ timeout: 0 })]).toEqual([false, false])
  })

  test('set wakes all tasks, and one that was set before the wait is not waited for', async () => {
    const event = new ManualResetEvent()
    const waits = Array.from({ length: 100 }, () => event.wait({ timeout: 5_000 }))
    event.set()
    expect((await Promise.all(waits)).every(Boolean)).toBe(true)
    const begun = performance.now()
    expect(await event.wait({ timeout: 60_000 })).toBe(true)
    expect(event.waitSync({ timeout: 60_000 })).toBe(true)
    expect(performance.now() - begun).toBeLessThan(1_000)
  })

  test('set and reset at once let through all who waited then, and nobody who comes later', async () => {
    const event = new ManualResetEvent()
    const waits = Array.from({ length: 20 }, () => event.wait({ timeout: 5_000 }))
    event.set()
    event.reset()
    const late = event.wait({ timeout: 70 })
    expect((await Promise.all(waits)).every(Boolean)).toBe(true)
    expect(await late).toBe(false)
  })

  test('a timeout is exact from below and leaves no trace', async () => {
    const event = new ManualResetEvent()
    for (const timeout of [1, 12.5, 70]) {
      const begun = performance.now()
      expect(await event.wait({ timeout })).toBe(false)
      const middle = performance.now()
      expect(event.waitSync({ timeout })).toBe(false)
      for (const waited of [middle - begun, performance.now() - middle]) {
        expect(waited).toBeGreaterThanOrEqual(timeout)
        expect(waited).toBeLessThan(timeout + 1_000)
      }
    }
    event.set()
    expect(await event.wait()).toBe(true)
  })

  test('an aborted wait rejects with the reason as given, and the others go on', async () => {
    const event = new ManualResetEvent()
    const controller = new AbortController()
    const aborted = [1, 2].map(() => rejectsWith(event.wait({ signal: controller.signal }), 'enough'))
    const other = event.wait()
    controller.abort('enough')
    await Promise.all(aborted)
    await expect(event.wait({ signal: controller.signal })).rejects.toBe('enough')
    event.set()
    expect(await other).toBe(true)
    event.reset()
    expect(event.isSet).toBe(false)
  })

  test('a wait that was over before its signal aborted is over', async () => {
    const event = new ManualResetEvent()
    const controller = new AbortController()
    const wait = event.wait({ signal: controller.signal })
    event.set()
    await wait
    controller.abort()
    expect(await wait).toBe(true)
  })

  test('bad arguments are errors', async () => {
    for (const value of [1, 'true', null, {}, new Int32Array(1)])
      expect(thrownBy(() => new ManualResetEvent(value as boolean))).toMatchObject({ code: 'ERR_INVALID_ARG' })
    for (const options of [5, null, { memory: 5 }, { memory: {} }])
      expect(thrownBy(() => new ManualResetEvent(false, options as object))).toMatchObject({ code: 'ERR_INVALID_ARG' })
    const event = new ManualResetEvent(true)
    for (const [options, code] of [
      [null, 'ERR_INVALID_ARG'],
      [100, 'ERR_INVALID_ARG'],
      [{ timeout: null }, 'ERR_INVALID_ARG'],
      [{ timeout: -1 }, 'ERR_OUT_OF_RANGE'],
      [{ timeout: Number.NaN }, 'ERR_OUT_OF_RANGE'],
    ] as const) {
      await expect(event.wait(options as object)).rejects.toMatchObject({ code })
      expect(thrownBy(() => event.waitSync(options as object))).toMatchObject({ code })
    }
    await expect(event.wait({ signal: 'now' as never })).rejects.toMatchObject({ code: 'ERR_INVALID_ARG' })
    expect(event.isSet).toBe(true)
  })
})

describe('between threads', () => {
  test('set in one thread is seen in all, and wakes who blocks and who awaits', async () => {
    const event = new ManualResetEvent()
    const [first, second, third] = (await threads(event, 3)) as [EventWorker, EventWorker, EventWorker]
    const waits = [first.call('event', 'waitSync'), second.call('event', 'wait'), event.wait()]
    await sleepersAre(event, 3)
    await third.call('event', 'set')
    expect(await Promise.all(waits)).toEqual([true, true, true])
    expect([event.isSet, await first.run('isSet', { name: 'event' })]).toEqual([true, true])
    expect(await second.call('event', 'waitSync', { timeout: 0 })).toBe(true)
    await second.call('event', 'reset')
    expect(event.waitSync({ timeout: 0 })).toBe(false)
  })

  test('set and reset back to back let every thread through that slept, every time', async () => {
    const event = new ManualResetEvent()
    const workers = await threads(event, 3)
    for (let round = 0; round < 40; round++) {
      const waits = workers.map((worker, i) => worker.call('event', i === 2 ? 'wait' : 'waitSync', { timeout: 5_000 }))
      await sleepersAre(event, 3)
      event.set()
      event.reset()
      expect(await Promise.all(waits)).toEqual([true, true, true])
      expect(event.isSet).toBe(false)
    }
  })

  test('a wake-up for no reason lets nobody through', async () => {
    const event = new ManualResetEvent()
    const workers = await threads(event, 2)
    let passed = 0
    const waits = workers.map((worker, i) => worker.call('event', i ? 'wait' : 'waitSync').then(() => (passed += 1)))
    for (let time = 0; time < 10; time++) await sleepersAre(event, 2)
    await turnsOfTheLoop(8)
    expect(passed).toBe(0)
    event.set()
    await Promise.all(waits)
  })

  test('a thread whose wake-up was lost looks again by itself', async () => {
    const event = new ManualResetEvent()
    const workers = await threads(event, 2)
    const waits = workers.map((worker, i) => worker.call('event', i ? 'wait' : 'waitSync', { timeout: 60_000 }))
    await sleepersAre(event, 2)
    const { words, state } = wordsUnder(event)
    Atomics.or(words, state, 1) // set, and nobody woken
    expect(await Promise.all(waits)).toEqual([true, true])
  })

  test.each([
    ['block', true, true],
    ['await', false, false],
    ['block and await', true, false],
  ])(
    'two threads that %s take turns: no wake-up is lost, and what was written before set is there',
    async (_, a, b) => {
      const [to, fro] = [new ManualResetEvent(), new ManualResetEvent()]
      const words = sharedWords(2)
      const rounds = a && b ? 2_000 : 400
      const [left, right] = await Promise.all([EventWorker.with({ to, fro }), EventWorker.with({ to, fro })])
      const begun = performance.now()
      const relays = [
        left.run('relay', { from: 'to', to: 'fro', rounds, blocking: a, words }),
        right.run('relay', { from: 'fro', to: 'to', rounds, blocking: b, words }),
      ]
      to.set()
      expect(await Promise.all(relays)).toEqual([0, 0])
      expect(words[0]).toBe(2 * rounds)
      // A lost wake-up costs 50 ms.
      expect(performance.now() - begun).toBeLessThan((rounds * 50) / 4)
    },
  )

  test.each(['waitSync', 'wait'])(
    'one that is terminated while it waits (%s) does no harm to the others',
    async (form) => {
      const event = new ManualResetEvent()
      const [doomed, other] = (await threads(event, 2)) as [EventWorker, EventWorker]
      void doomed.call('event', form)
      const waits = [other.call('event', 'waitSync'), event.wait()]
      await sleepersAre(event, 3)
      const ended = doomed.terminate()
      event.set()
      expect(await Promise.all(waits)).toEqual([true, true])
      await ended
      event.reset()
      const again = other.call('event', 'waitSync')
      await until(() => Atomics.notify(wordsUnder(event).words, wordsUnder(event).state) > 0, 'it waits')
      event.set()
      expect(await again).toBe(true)
    },
  )
})
