import { AutoResetEvent } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { EventWorker, sleepersAre } from './support/event-worker.js'
import { rejectsWith } from './support/rejects.js'
import { sharedWords, wordsUnder } from './support/shared-words.js'
import { thrownBy, turnsOfTheLoop, until } from './support/until.js'

const threads = (event: AutoResetEvent, count: number) =>
  Promise.all(Array.from({ length: count }, () => EventWorker.with({ event })))

describe('one thread', () => {
  test('one signal is kept for the next one who comes, and never two', async () => {
    const event = new AutoResetEvent()
    expect([event.isSet, event.tryWait(), event.waitSync({ timeout: 0 })]).toEqual([false, false, false])
    for (const use of [
      () => event.tryWait(),
      () => event.waitSync({ timeout: 0 }),
      () => event.waitSync(),
      () => event.wait({ timeout: 0 }),
      () => event.wait(),
      () => event.reset(),
    ]) {
      event.set()
      event.set()
      expect(event.isSet).toBe(true)
      expect(await use()).toBe(true)
      expect([event.isSet, event.tryWait(), await event.wait({ timeout: 0 }), event.reset()]).toEqual(
        Array(4).fill(false),
      )
    }
    expect(new AutoResetEvent(true).tryWait()).toBe(true)
  })

  test('each set lets one task through, in the order in which they came', async () => {
    const event = new AutoResetEvent()
    const order: number[] = []
    const waits = [0, 1, 2, 3].map((task) => event.wait().then(() => order.push(task)))
    for (const [task, wait] of waits.entries()) {
      event.set()
      await wait
      await turnsOfTheLoop()
      expect(order).toEqual([0, 1, 2, 3].slice(0, task + 1))
      expect(event.isSet).toBe(false)
    }
  })

  test('a signal for a task is not taken by one who tries', async () => {
    const event = new AutoResetEvent()
    const wait = event.wait()
    event.set()
    expect(event.tryWait()).toBe(false)
    expect(await wait).toBe(true)
  })

  test('a thread that blocks passes its own tasks', async () => {
    const event = new AutoResetEvent()
    const wait = event.wait()
    event.set()
    expect(event.waitSync({ timeout: 1_000 })).toBe(true)
    expect(event.isSet).toBe(false)
    event.set()
    expect(await wait).toBe(true)
  })

  test('two objects on one event make one line', async () => {
    const event = new AutoResetEvent()
    const twin = AutoResetEvent.fromHandle(structuredClone(event.toHandle()))
    const order: string[] = []
    const waits = [event, twin, event].map((each, i) => each.wait().then(() => order.push(String(i))))
    expect(twin.tryWait()).toBe(false)
    for (const wait of waits) {
      twin.set()
      expect(event.tryWait()).toBe(false)
      await wait
    }
    expect(order).toEqual(['0', '1', '2'])
  })

  test.each(['abort before set', 'set before abort'])(
    'an aborted wait leaves the signal to the next one: %s',
    async (order) => {
      const event = new AutoResetEvent()
      const controller = new AbortController()
      const first = event.wait({ signal: controller.signal }).catch((reason: unknown) => reason)
      const second = event.wait()
      if (order === 'abort before set') controller.abort('enough')
      event.set()
      controller.abort('enough')
      expect(await first).toBe('enough')
      expect(await second).toBe(true)
      expect(event.isSet).toBe(false)
    },
  )

  test('an aborted wait with nobody behind it leaves the signal where it is', async () => {
    const event = new AutoResetEvent()
    const controller = new AbortController()
    const wait = rejectsWith(event.wait({ signal: controller.signal }), 'enough')
    event.set()
    controller.abort('enough')
    await wait
    expect(event.isSet).toBe(true)
    await expect(event.wait({ signal: controller.signal })).rejects.toBe('enough')
    expect(event.tryWait()).toBe(true)
  })

  test('all tasks on one signal leave together, and a later one gets the next set', async () => {
    const event = new AutoResetEvent()
    const controller = new AbortController()
    const gone = Array.from({ length: 50 }, () => rejectsWith(event.wait({ signal: controller.signal }), 'all'))
    const stays = event.wait()
    controller.abort('all')
    event.set()
    await Promise.all(gone)
    expect(await stays).toBe(true)
    expect(event.isSet).toBe(false)
  })

  test('a timeout is exact from below, and uses nothing up', async () => {
    const event = new AutoResetEvent()
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
    expect(event.tryWait()).toBe(true)
  })

  test('bad arguments are errors, and use nothing up', async () => {
    for (const value of [1, 'true', null, {}])
      expect(thrownBy(() => new AutoResetEvent(value as boolean))).toMatchObject({ code: 'ERR_INVALID_ARG' })
    const event = new AutoResetEvent(true)
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
  test('each set lets one of the sleeping threads through, and no other', async () => {
    const event = new AutoResetEvent()
    const workers = await threads(event, 3)
    let passed = 0
    const waits = [
      ...workers.map((worker, i) => worker.call('event', i === 1 ? 'wait' : 'waitSync')),
      event.wait(),
    ].map((wait) => wait.then(() => (passed += 1)))
    await sleepersAre(event, 4)
    for (let count = 1; count <= 4; count++) {
      event.set()
      await until(() => passed === count, `${count} are through`)
      await until(() => !event.isSet, 'the signal is used up')
      await turnsOfTheLoop(8)
      expect(passed).toBe(count)
    }
    await Promise.all(waits)
    expect(event.isSet).toBe(false)
  })

  test('every signal is used up once: as many pass as were set, by three threads that race for them', async () => {
    const event = new AutoResetEvent()
    const words = sharedWords(2)
    const workers = await threads(event, 3)
    const used = workers.map((worker, i) => worker.run('useUp', { name: 'event', blocking: i !== 2, words }))
    const signals = 400
    for (let signal = 1; signal <= signals; signal++) {
      event.set()
      await until(() => Atomics.load(words, 1) === signal, `${signal} were used`)
      expect(event.isSet).toBe(false)
    }
    Atomics.store(words, 0, 1)
    const counts = (await Promise.all(used)) as number[]
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(signals)
  })

  test.each([
    ['block', true, true],
    ['await', false, false],
    ['block and await', true, false],
  ])(
    'two threads that %s take turns: no wake-up is lost, and what was written before set is there',
    async (_, a, b) => {
      const [to, fro] = [new AutoResetEvent(), new AutoResetEvent()]
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

  test('a thread whose wake-up was lost looks again by itself', async () => {
    const event = new AutoResetEvent()
    const workers = await threads(event, 2)
    const waits = workers.map((worker, i) => worker.call('event', i ? 'wait' : 'waitSync', { timeout: 60_000 }))
    const { words, state } = wordsUnder(event)
    await sleepersAre(event, 2)
    for (let signal = 0; signal < 2; signal++) {
      Atomics.store(words, state, 1) // set, and nobody woken
      await until(() => !event.isSet, 'the signal is used up')
    }
    expect(await Promise.all(waits)).toEqual([true, true])
  })

  test.each(['waitSync', 'wait'])(
    'one that is terminated while it waits (%s) does not take the next set with it',
    async (form) => {
      for (let round = 0; round < 3; round++) {
        const event = new AutoResetEvent()
        const [doomed, other] = (await threads(event, 2)) as [EventWorker, EventWorker]
        void doomed.call('event', form)
        await sleepersAre(event, 1)
        const wait = other.call('event', 'waitSync', { timeout: 5_000 })
        await sleepersAre(event, 2)
        await doomed.terminate()
        event.set()
        expect(await wait).toBe(true)
        expect(event.isSet).toBe(false)
      }
    },
  )

  test('a wait here that was aborted does not swallow the signal for a thread that blocks', async () => {
    const event = new AutoResetEvent()
    const [worker] = (await threads(event, 1)) as [EventWorker]
    for (let round = 0; round < 10; round++) {
      const controller = new AbortController()
      const left = rejectsWith(event.wait({ signal: controller.signal }), 'left')
      const blocked = worker.timed('event', 'waitSync', { timeout: 5_000 })
      await sleepersAre(event, 2)
      controller.abort('left')
      event.set()
      expect(await blocked).toMatchObject({ value: true })
      await left
    }
  })

  test('a blocking wait that timed out leaves the next signal to others', async () => {
    const event = new AutoResetEvent()
    const [first, second] = (await threads(event, 2)) as [EventWorker, EventWorker]
    for (let round = 0; round < 5; round++) {
      const patient = second.call('event', 'waitSync', { timeout: 5_000 })
      const { value, waited } = await first.timed('event', 'waitSync', { timeout: 15 })
      expect(value).toBe(false)
      expect(waited).toBeGreaterThanOrEqual(15)
      event.set()
      expect(await patient).toBe(true)
      expect(event.isSet).toBe(false)
    }
  })
})

test.each([undefined, 5_000])(
  'a task that waits swallows no wake-up of a blocking wait in its thread (timeout %p)',
  async (timeout) => {
    const [there, back] = [new AutoResetEvent(), new AutoResetEvent()]
    const worker = await EventWorker.with({ there, back })
    const rounds = 30
    const words = sharedWords(2)
    const relaying = worker.run('relay', {
      from: 'there',
      to: 'back',
      rounds: 2 * rounds,
      blocking: true,
      words,
      pause: 3,
    })
    let blocked = 0
    for (let round = 0; round < rounds; round++) {
      const pending = back.wait()
      const begun = performance.now()
      there.set()
      expect(back.waitSync({ timeout })).toBe(true)
      blocked += performance.now() - begun
      there.set()
      expect(await pending).toBe(true)
    }
    await relaying
    // A wake-up that is lost costs a slice of 50 ms.
    expect(blocked).toBeLessThan(rounds * 30)
  },
)
