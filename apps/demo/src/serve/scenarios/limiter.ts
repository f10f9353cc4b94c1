import { AsyncRateLimiter, AsyncTaskManager } from '@heddle/async-patterns'
import { Durations } from '../durations.js'
import { taskBody } from '../lanes/bodies.js'
import { between } from '../lanes/chance.js'
import { Crew } from '../lanes/crew.js'
import { LaneWriter, rest, setPace, threadLaneWords } from '../lanes/lane-words.js'
import { Roster } from '../lanes/roster.js'
import { noViews, type Scenario } from './scenario.js'

const titles = ['client A', 'client B', 'client C', 'client D', 'client E', 'client F']
const subjects = ['a free place', 'a permit', 'a request'] as const
const places = 4
const rate = 5
const burst = 12

/** Tasks of one thread that share a rate and places. */
export const limiter: Scenario = {
  info: {
    name: 'limiter',
    title: 'A rate limiter and a task manager',
    summary:
      `Six clients, all tasks of one thread, send requests through an AsyncTaskManager with ${places} places and an ` +
      `AsyncRateLimiter with ${rate} permits a second. Look at the bucket: a burst empties it, then they wait in order, and in a rest it fills.`,
    kill: 'Cancel a client in the middle of a wait: it has used no permit, its place is free, and those behind it move up.',
  },
  begin(recording, pace) {
    const words = threadLaneWords(titles.length)
    setPace(words, pace)
    const roster = new Roster(recording, words, titles.length, subjects)
    const bucket = new AsyncRateLimiter(rate, 1_000 * pace, { burst })
    const manager = new AsyncTaskManager({ maxConcurrent: places })
    const waits = new Durations()
    const runs = new Durations()
    let granted = 0

    const request = async (lane: LaneWriter<(typeof subjects)[number]>, asked: number, signal: AbortSignal) => {
      const begun = performance.now()
      waits.add(begun - asked)
      lane.tell('waiting', 'a permit')
      await bucket.acquire({ signal })
      granted += 1
      lane.tell('running', 'a request')
      await rest(words, between(80, 300), signal)
      runs.add(performance.now() - begun)
    }
    const client = (place: number) =>
      taskBody(async (signal) => {
        const lane = new LaneWriter(words, place, subjects)
        for (;;) {
          for (let left = Math.ceil(between(4, 10)); left > 0; left--) {
            const asked = performance.now()
            lane.tell('waiting', 'a free place')
            await manager.run((task) => request(lane, asked, task.signal), { signal })
            lane.tell('idle')
            await rest(words, between(20, 150), signal)
          }
          await rest(words, between(2_000, 6_000), signal)
        }
      })
    const crew = new Crew(recording, roster, titles, client)
    return {
      get lanes() {
        return roster.lanes
      },
      look() {
        roster.collect()
        const { running, queued, succeeded, failed } = manager.stats()
        const { availablePermits: level, waiting } = bucket
        return {
          ...noViews,
          pools: [
            {
              name: 'requests',
              running,
              queued,
              succeeded,
              failed,
              crashes: 0,
              waitMs: waits.percentiles(),
              runMs: runs.percentiles(),
            },
          ],
          limiters: [{ name: 'permits', level, capacity: burst, granted, waiting }],
        }
      },
      kill: (lane) => crew.kill(lane),
      setPace(next) {
        setPace(words, next)
        bucket.setRate(rate, 1_000 * next)
      },
      async stop() {
        await crew.stop()
        await manager.terminate()
        bucket.close()
      },
    }
  },
}
