import { ThreadPoolManager } from '@heddle/worker-pool'
import { between } from '../lanes/chance.js'
import { rest, setPace, threadLaneWords } from '../lanes/lane-words.js'
import { make, moveIn, type PoolWork } from './pool-tasks.js'
import { PoolWatch } from './pool-watch.js'
import { noViews, type Scenario } from './scenario.js'

const workers = 3
const name = 'workshop'
/** A worker is replaced when it is seen to have ended; some more, in case that it is seen here a moment later. */
const places = workers + 2
const lengths: Readonly<Record<PoolWork, number>> = { 'a thumbnail': 60, 'a page': 250, 'a film': 1_000 }

/** A pool of threads with tasks of mixed length. */
export const pool: Scenario = {
  info: {
    name: 'pool',
    title: 'A pool of threads',
    summary:
      'A ThreadPoolManager with three workers gets thumbnails, pages and films to make, now more, now less than it can. ' +
      'Look at the queue and at how long tasks wait.',
    kill: 'Kill a worker: another one is started, and what it was making is made again, since these tasks may run twice.',
  },
  begin(recording, pace) {
    const words = threadLaneWords(places)
    setPace(words, pace)
    const watch = new PoolWatch(recording, words, places, name)
    let manager: ThreadPoolManager
    try {
      manager = new ThreadPoolManager({
        name,
        maxWorkers: workers,
        minWorkers: workers,
        maxQueued: 60,
        whenFull: 'drop-oldest',
        initializer: moveIn,
        initializerArgs: [words],
        execArgv: [],
      })
    } catch (error) {
      watch.stop()
      throw error
    }
    const submitting = new AbortController()
    submitTasks(manager, watch, words, submitting.signal).catch((error: unknown) => {
      if (!submitting.signal.aborted) watch.failed('the next task', error)
    })
    return {
      get lanes() {
        return watch.lanes
      },
      look() {
        watch.look()
        const { running, queued, succeeded, failed, crashes } = manager.stats()
        return {
          ...noViews,
          pools: [{ name, running, queued, succeeded, failed, crashes, ...watch.percentiles() }],
        }
      },
      kill: (lane) => watch.kill(lane),
      setPace: (next) => setPace(words, next),
      async stop() {
        submitting.abort()
        watch.stop()
        await manager.terminate()
      },
    }
  },
}

/** @throws (rejects) the reason of the signal, when it aborts */
async function submitTasks(manager: ThreadPoolManager, watch: PoolWatch, words: Int32Array, signal: AbortSignal) {
  for (let submitted = 1; ; submitted++) {
    const dice = Math.random()
    const what = dice < 0.6 ? 'a thumbnail' : dice < 0.9 ? 'a page' : 'a film'
    const ms = lengths[what] * between(0.5, 1.5)
    manager.run(make, [what, ms]).catch((error: unknown) => watch.failed(what, error))
    // Some more than the workers can make, and then fewer, again and again.
    const isRush = Math.floor(submitted / 40) % 2 === 0
    await rest(words, isRush ? between(20, 80) : between(120, 240), signal)
  }
}
