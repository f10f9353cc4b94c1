import { AutoResetEvent, Latch, ManualResetEvent } from '@heddle/sync-primitives'
import { expect, test } from '@jest/globals'
import { type Peer, setUp, until } from '../support/processes.js'

const { segment: memory, start, words } = setUp()

/** Half of them block, half await. @returns what each wait gives, and how many have been let through */
function waitAll(processes: readonly Peer[]) {
  const waits = processes.map((each, i) => each.call('event', i % 2 === 0 ? 'wait' : 'waitSync'))
  const through = { count: 0, waits }
  for (const each of waits)
    void each.then(() => {
      through.count += 1
    })
  return through
}

/** That those that await have begun to; those that block begin before they hear of anything else. */
const arrive = (processes: readonly Peer[]) =>
  Promise.all(processes.filter((_, i) => i % 2 === 0).map((each) => each.run('ping')))

test('E1: set lets all waiters of other processes through, and all who come later at once', async () => {
  const event = new ManualResetEvent(false, { memory })
  const processes = await start(6, { event })
  const { waits } = waitAll(processes)
  await arrive(processes)
  event.set()
  expect(await Promise.all(waits)).toEqual(waits.map(() => true))
  for (const each of processes) {
    const { value, waited } = await each.outcome('event', 'waitSync', { timeout: 10_000 })
    expect(value).toBe(true)
    expect(waited).toBeLessThan(1_000)
  }
})

test('E2: set and reset back to back let all through that were asleep', async () => {
  const event = new ManualResetEvent(false, { memory })
  const marks = words(4)
  const processes = await start(4, { event })
  for (let round = 0; round < 25; round++) {
    const sleeping = await Promise.all(
      processes.map((each, i) => each.sleepOn('event', i % 2 === 0 ? 'wait' : 'waitSync', marks.subarray(i, i + 1))),
    )
    event.set()
    event.reset()
    expect(await Promise.all(sleeping.map(({ ending }) => ending))).toEqual([true, true, true, true])
  }
  expect(event.isSet).toBe(false)
})

test.each(['wait', 'waitSync'] as const)(
  'E5: a process sets an event of the test, whose %s returns, and it is set in both',
  async (method) => {
    const event = new ManualResetEvent(false, { memory })
    const [setter] = await start(1, { event })
    const setting = setter?.call('event', 'set')
    expect(await event[method]({ timeout: 10_000 })).toBe(true)
    await setting
    expect(event.isSet).toBe(true)
    expect(await setter?.run('get', { name: 'event', property: 'isSet' })).toBe(true)
    await setter?.call('event', 'reset')
    expect(event.isSet).toBe(false)
  },
)

test.each(['wait', 'waitSync'])('E3: %s of another process gives up after its time, not before', async (method) => {
  const objects = {
    manual: new ManualResetEvent(false, { memory }),
    auto: new AutoResetEvent(false, { memory }),
    latch: new Latch(1, { memory }),
  }
  const [waiter] = await start(1, objects)
  for (const name of Object.keys(objects)) {
    for (const timeout of [0, 12.5, 130]) {
      const { value, waited } = (await waiter?.outcome(name, method, { timeout })) ?? { waited: -1 }
      expect(value).toBe(false)
      expect(waited).toBeGreaterThanOrEqual(timeout)
      expect(waited).toBeLessThan(timeout + 1_000)
    }
  }
})

test('E1: each set of an AutoResetEvent lets one process through, and one is remembered for who comes later', async () => {
  const event = new AutoResetEvent(false, { memory })
  const processes = await start(6, { event })
  const through = waitAll(processes)
  for (let count = 1; count <= 6; count++) {
    event.set()
    await until(() => through.count === count && !event.isSet, `${count} are through`)
  }
  expect(await Promise.all(through.waits)).toEqual(through.waits.map(() => true))
  event.set()
  event.set()
  expect(await processes[0]?.call('event', 'tryWait')).toBe(true)
  expect(await processes[1]?.call('event', 'tryWait')).toBe(false)
})

test('E1: a Latch that processes count down lets all who wait through at 0, and not before', async () => {
  const event = new Latch(3, { memory })
  const processes = await start(7, { event })
  const waiters = processes.slice(0, 4)
  const through = waitAll(waiters)
  await arrive(waiters)
  const left = []
  for (const each of processes.slice(4)) {
    expect(through.count).toBe(0)
    left.push(await each.call('event', 'countDown'))
  }
  expect(left).toEqual([2, 1, 0])
  expect(await Promise.all(through.waits)).toEqual([true, true, true, true])
  expect(await processes[4]?.outcome('event', 'countDown')).toMatchObject({ code: 'ERR_OVER_RELEASE' })
  expect(event.count).toBe(0)
})
