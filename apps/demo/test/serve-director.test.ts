import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { AsyncRateLimiter } from '@heddle/async-patterns'
import { Director } from '@heddle/demo/serve/director.js'
import { streamEvents } from '@heddle/demo/serve/http/event-stream.js'
import type { Snapshot } from '@heddle/demo/serve/protocol.js'
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'

const tick = () => new Promise((resolve) => setTimeout(resolve, 20))
const begun = 'A rate limiter and a task manager: begun'
const stopped = 'A rate limiter and a task manager: stopped'

/** What a page at the other end of an event stream would be told, by a response that can be made to take nothing. */
function reader(director: Director, stalledMs = 60_000) {
  const written: string[] = []
  const response = Object.assign(new EventEmitter(), {
    writableNeedDrain: false,
    socket: null,
    writeHead: () => response,
    write: (text: string) => written.push(text),
    destroy: () => response.emit('close'),
  })
  let isClosed = false
  response.once('close', () => {
    isClosed = true
  })
  streamEvents(response as unknown as ServerResponse, director, stalledMs)
  return {
    response,
    written,
    isClosed: () => isClosed,
    snapshots: () =>
      written.slice(1).map((text) => JSON.parse(text.replace(/^event: snapshot\ndata: /, '')) as Snapshot),
  }
}

describe('a slow reader', () => {
  test('gets the newest snapshot, with all that has changed since the one it had', async () => {
    const director = new Director(60_000)
    const { response, written, snapshots } = reader(director)
    const other = reader(director)
    expect(written[0]).toMatch(/^event: hello\n/)
    response.writableNeedDrain = true
    const before = written.length
    await director.act({ do: 'start', scenario: 'limiter' })
    await director.act({ do: 'kill', lane: 1 })
    while (!other.snapshots().some(({ changes }) => changes.some(({ lane }) => lane === 7))) await tick()
    expect(written.length).toBe(before)

    response.writableNeedDrain = false
    while (written.length === before) await tick()
    const [, newest] = snapshots()
    const started = newest?.changes.filter(({ state }) => state === 'starting').map(({ lane }) => lane)
    expect(started).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(newest?.notes.map(({ text }) => text)).toContain('client A is cancelled')
    expect(newest?.scenario).toBe('limiter')
    response.emit('close')
    const after = written.length
    await director.act({ do: 'stop' })
    expect(written.length).toBe(after)
    await director.close()
  })

  test('that takes nothing for long is let go, and not before', async () => {
    const director = new Director(60_000)
    const { response, written, isClosed } = reader(director, 1_000)
    await director.act({ do: 'start', scenario: 'limiter' })
    const stall = async () => {
      response.writableNeedDrain = true
      const since = performance.now()
      while (!isClosed() && performance.now() - since < 600) await tick()
      return since
    }
    // What it takes in between counts: only then does the time begin anew.
    await stall()
    response.writableNeedDrain = false
    const before = written.length
    while (written.length === before) await tick()
    const since = await stall()
    while (!isClosed()) await tick()
    expect(performance.now() - since).toBeGreaterThanOrEqual(1_000)
    await director.close()
  })
})

describe('the last notes of a scenario', () => {
  const notesOf = (snapshots: readonly Snapshot[]) => snapshots.flatMap(({ notes }) => notes.map(({ text }) => text))

  test('are told before another one begins, also to a slow reader, and are no part of its trace', async () => {
    const director = new Director(60_000)
    const quick = reader(director)
    const slow = reader(director)
    await director.act({ do: 'start', scenario: 'limiter' })
    slow.response.writableNeedDrain = true
    const isDead = ({ state }: { state: string }) => state === 'dead'
    expect(director.snapshot(0).json).toContain(begun)
    await director.act({ do: 'start', scenario: 'limiter' })
    slow.response.writableNeedDrain = false
    await director.act({ do: 'pace', pace: 1 })

    const end = quick.snapshots().find(({ notes }) => notes.some(({ text }) => text === stopped))
    expect([end?.scenario, end?.lanes, end?.changes.filter(isDead).length]).toEqual([undefined, [], 6])
    for (const { snapshots } of [quick, slow]) expect(notesOf(snapshots())).toEqual([begun, stopped, begun])
    const { traceEvents } = JSON.parse(director.trace()) as { traceEvents: { name: string; ph: string }[] }
    expect(traceEvents.filter(({ ph }) => ph === 'i').map(({ name }) => name)).toEqual([begun])

    await director.act({ do: 'stop' })
    expect(notesOf(quick.snapshots())).toEqual([begun, stopped, begun, stopped])
    expect(director.trace()).toContain(stopped)
    await director.close()
  })

  test('say once why it was stopped, when what it shares cannot be read any more', async () => {
    const director = new Director(60_000)
    const { snapshots } = reader(director)
    await director.act({ do: 'start', scenario: 'limiter' })
    const level = jest.spyOn(AsyncRateLimiter.prototype, 'availablePermits', 'get').mockImplementation(() => {
      throw new Error('no wool')
    })
    try {
      // The first of them sees it, the second one comes before the stop.
      await Promise.all([1, 1].map((pace) => director.act({ do: 'pace', pace })))
      while (!notesOf(snapshots()).includes(stopped)) await tick()
    } finally {
      level.mockRestore()
    }
    expect(notesOf(snapshots())).toEqual([begun, 'the scenario is stopped: no wool', stopped])
    await director.close()
  })
})

test('no more than 64 actions wait; the next one is refused, and taken when they are done', async () => {
  const director = new Director(60_000)
  const acts = Array.from({ length: 64 }, () => director.act({ do: 'pace', pace: 2 }))
  await expect(director.act({ do: 'stop' })).rejects.toThrow('the server has no time for this now')
  await Promise.all(acts)
  await director.act({ do: 'stop' })
  await director.close()
  await expect(director.act({ do: 'stop' })).rejects.toThrow('the server has no time for this now')
})

describe('a scenario that nobody watches', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'performance', 'hrtime'] })
  })
  afterEach(() => {
    jest.useRealTimers()
  })

  /** Lets so much time go by, and then happen what it has brought about. */
  async function wait(ms: number): Promise<void> {
    jest.advanceTimersByTime(ms)
    for (let n = 0; n < 50; n++) await new Promise((resolve) => setImmediate(resolve))
  }
  const isRunning = (director: Director) => director.trace().includes(begun) && !director.trace().includes(stopped)

  test('is stopped when nobody has for the whole time, however often somebody did for a moment before', async () => {
    const director = new Director(1_000)
    const unwatch = director.watch(() => {})
    await director.act({ do: 'start', scenario: 'limiter' })
    await wait(5_000)
    unwatch()
    await wait(900)
    director.watch(() => {})()
    await wait(900)
    expect(isRunning(director)).toBe(true)
    await wait(100)
    expect(isRunning(director)).toBe(false)
    await director.close()
  })

  test('is not stopped when somebody watches again before its turn to be stopped has come', async () => {
    const director = new Director(1_000)
    await director.act({ do: 'start', scenario: 'limiter' })
    jest.advanceTimersByTime(1_000)
    const unwatch = director.watch(() => {})
    await wait(5_000)
    expect(isRunning(director)).toBe(true)
    unwatch()
    await wait(1_000)
    expect(isRunning(director)).toBe(false)
    await director.close()
  })

  test('is stopped also when so many actions wait that no other one is taken', async () => {
    const director = new Director(1_000)
    await director.act({ do: 'start', scenario: 'limiter' })
    const acts = Array.from({ length: 64 }, () => director.act({ do: 'pace', pace: 1 }))
    await wait(1_000)
    await Promise.all(acts)
    expect(isRunning(director)).toBe(false)
    await director.close()
  })

  test('is stopped in its own time when it begins while the one before is about to be stopped', async () => {
    const director = new Director(1_000)
    await director.act({ do: 'start', scenario: 'limiter' })
    const starting = director.act({ do: 'start', scenario: 'limiter' })
    jest.advanceTimersByTime(1_000)
    await starting
    await wait(900)
    expect(isRunning(director)).toBe(true)
    await wait(100)
    expect(isRunning(director)).toBe(false)
    await director.close()
  })
})
