import { channel } from 'node:diagnostics_channel'
import { EventEmitter } from 'node:events'
import { AsyncRateLimiter, AsyncTaskManager } from '@heddle/async-patterns'
import { threadLaneWords } from '@heddle/demo/serve/lanes/lane-words.js'
import { Recording } from '@heddle/demo/serve/recording.js'
import { limiter } from '@heddle/demo/serve/scenarios/limiter.js'
import { pool } from '@heddle/demo/serve/scenarios/pool.js'
import { PoolWatch } from '@heddle/demo/serve/scenarios/pool-watch.js'
import { processes } from '@heddle/demo/serve/scenarios/processes.js'
import { Segment, SharedArray } from '@heddle/shared-memory'
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { becomesTrue, childrenOf, sharedFilesOf } from './support/left-behind.js'

afterEach(() => {
  jest.restoreAllMocks()
})

const notesOf = (recording: Recording) => recording.told(0, recording.end).notes.map(({ text }) => text)
const taskChannel = channel('heddle:pool-core:task')
const workerChannel = channel('heddle:pool-core:worker')
/** Who follows what pools tell. */
const followers = () => [taskChannel.hasSubscribers, workerChannel.hasSubscribers, process.listenerCount('worker')]

describe('limiter', () => {
  test('has closed its bucket and its manager when it has stopped, and nothing of it is under way', async () => {
    const acquire = jest.spyOn(AsyncRateLimiter.prototype, 'acquire')
    const run = jest.spyOn(AsyncTaskManager.prototype, 'run')
    const scenario = limiter.begin(new Recording(), 1)
    await becomesTrue('requests are made', () => acquire.mock.contexts.length > 0)
    const bucket = acquire.mock.contexts[0] as AsyncRateLimiter
    const manager = run.mock.contexts[0] as AsyncTaskManager
    await scenario.stop()
    expect(manager.stats()).toMatchObject({ running: 0, queued: 0 })
    await expect(bucket.acquire()).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await expect(manager.run(() => {})).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })
})

describe('processes', () => {
  test('leave nothing behind when they cannot begin', () => {
    const create = jest.spyOn(Segment, 'create')
    jest.spyOn(SharedArray.prototype, 'view', 'get').mockImplementation(() => {
      throw new Error('no wool')
    })
    expect(() => processes.begin(new Recording(), 1)).toThrow('no wool')
    expect(create).toHaveBeenCalledTimes(1)
    expect([childrenOf(process.pid), sharedFilesOf(process.pid)]).toEqual([[], []])
  })
})

describe('pool', () => {
  test('follows what pools tell no more when it has stopped', async () => {
    expect(followers()).toEqual([false, false, 0])
    const scenario = pool.begin(new Recording(), 1)
    expect(followers()).toEqual([true, true, 1])
    await scenario.stop()
    expect(followers()).toEqual([false, false, 0])
  })

  test('nor when it cannot begin', () => {
    // The manager refuses its options then.
    jest.spyOn(Array, 'isArray').mockReturnValue(false)
    expect(() => pool.begin(new Recording(), 1)).toThrow('must be an array')
    expect(followers()).toEqual([false, false, 0])
  })

  test('comes back from a slow pace at once', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0.99)
    const scenario = pool.begin(new Recording(), 20)
    const submitted = () => {
      const [view] = scenario.look().pools
      return view === undefined ? 0 : view.running + view.queued + view.succeeded
    }
    const begun = performance.now()
    scenario.setPace(1)
    await becomesTrue('the second task is submitted', () => submitted() > 1)
    // At the slowest pace it comes 1,588 ms after the first.
    expect(performance.now() - begun).toBeLessThan(1_400)
    await scenario.stop()
  })
})

describe('who follows a pool', () => {
  const name = 'a pool of a test'
  const task = (event: string) => taskChannel.publish({ event, pool: name, number: 1, attempt: 1 })

  function follow() {
    const recording = new Recording()
    return { recording, watch: new PoolWatch(recording, threadLaneWords(1), 1, name) }
  }

  test('counts what a task took once, whatever is told of it when it has settled', () => {
    const { watch } = follow()
    const now = jest.spyOn(performance, 'now')
    const times = { queued: 1_000, started: 1_010, succeeded: 1_040 }
    for (const [event, time] of Object.entries(times)) {
      now.mockReturnValue(time)
      task(event)
    }
    const once = { waitMs: { p50: 10, p95: 10, p99: 10 }, runMs: { p50: 30, p95: 30, p99: 30 } }
    expect(watch.percentiles()).toEqual(once)
    now.mockReturnValue(9_000)
    task('succeeded')
    expect(watch.percentiles()).toEqual(once)
    watch.stop()
    for (const event of ['queued', 'started', 'succeeded']) {
      now.mockReturnValue(performance.now() + 500)
      task(event)
    }
    expect(watch.percentiles()).toEqual(once)
  })

  test('says once that a worker is killed, however often that is asked for', () => {
    const { recording, watch } = follow()
    const thread = Object.assign(new EventEmitter(), { threadId: 7, terminate: () => Promise.resolve(1) })
    process.emit('worker', thread as never)
    workerChannel.publish({ event: 'started', pool: name, threadId: 7 })
    const [lane] = watch.lanes
    const kill = () => watch.kill(lane?.id ?? 0)
    expect([kill(), kill()]).toEqual([true, true])
    expect(notesOf(recording)).toEqual(['worker 1 is killed: thread 7 by terminate()'])
    thread.emit('exit', 1)
    expect(kill()).toBe(false)
    watch.stop()
  })
})
