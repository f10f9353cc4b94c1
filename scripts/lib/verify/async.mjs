import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { root } from '../root.mjs'
import { importFromTests } from '../transpile.mjs'

const asyncPatterns = join(root, 'packages', 'async-patterns')

/** File in test/verify, what it exports, and its share of the schedules. Each is a class against its naive twin. */
const models = [
  ['task-manager', 'taskManagerModel', 20_000],
  ['queue', 'queueModel', 15_000],
  ['rate-limiter', 'rateLimiterModel', 15_000],
  ['batch-processor', 'batchProcessorModel', 15_000],
  ['producer-consumer', 'producerConsumerModel', 10_000],
  ['task-group', 'taskGroupModel', 10_000],
  ['semaphore', 'semaphoreModel', 10_000],
  ['mutex', 'mutexModel', 5_000],
  ['single-flight', 'singleFlightModel', 5_000],
]

const million = 1_000_000

/** The proofs of `@heddle/async-patterns`. @returns how many rows failed */
export async function verify({ long, seed, print }) {
  return (await playSchedules({ factor: long ? 10 : 1, seed, print })) + (await watchMemory({ print }))
}

/** Orders of grants, aborts, timeouts and completions that fast-check chooses, on a clock that is moved by hand. */
async function playSchedules({ factor, seed, print }) {
  let failures = 0
  let played = 0
  for (const [file, name, share] of models) {
    const model = (await importFromTests(asyncPatterns, 'test/verify', `${file}.js`))[name]
    const runs = share * factor
    const begun = performance.now()
    let outcome = '0 failures'
    try {
      await model({ runs, seed })
      played += runs
    } catch (error) {
      failures += 1
      outcome = `FAILED: ${error.message}`
    }
    print(`${file}: ${runs} schedules, ${outcome}, ${((performance.now() - begun) / 1000).toFixed(1)} s`)
  }
  print(`= schedules: ${played}, ${failures} failures (seed ${seed})`)
  return failures
}

/** Ten million pieces of work through each class: what stays in memory must not grow with their number. */
async function watchMemory({ print }) {
  const heddle = await import(pathToFileURL(join(asyncPatterns, 'dist', 'index.js')).href)
  // A context that is made after the flag was set has the function that this one lacks.
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc')
  let failures = 0
  for (const [name, start] of Object.entries(workloads(heddle))) {
    const { doMany, end } = start()
    const begun = performance.now()
    const heap = []
    for (let done = 0; done < 10; done++) {
      await doMany(million)
      collectGarbage()
      heap.push(process.memoryUsage().heapUsed / 2 ** 20)
    }
    await end?.()
    // The first million has made the code and the buffers what they are.
    const grown = heap.at(-1) - heap[1]
    const isFlat = grown < 1
    if (!isFlat) failures += 1
    const seconds = ((performance.now() - begun) / 1000).toFixed(1)
    print(
      `memory: ${name}: 10 million, ${heap[1].toFixed(2)} MiB after 2 million, ${heap.at(-1).toFixed(2)} MiB at the end, ` +
        `${isFlat ? 'flat' : 'NOT flat'}, ${seconds} s`,
    )
  }
  return failures
}

/** Each does so many pieces of work with one object that lives on. */
function workloads({ AsyncTaskManager, AsyncQueue, AsyncRateLimiter, AsyncKeyedRateLimiter, AsyncBatchProcessor }) {
  const addOne = async (item) => item + 1
  const inWaves = async (count, size, call) => {
    for (let done = 0; done < count; done += size) {
      const wave = []
      for (let n = done; n < done + size; n++) wave.push(call(n))
      await Promise.all(wave)
    }
  }
  return {
    'run of a manager, a thousand at a time': () => {
      const manager = new AsyncTaskManager({ maxConcurrent: 10 })
      return { doMany: (count) => inWaves(count, 1_000, (n) => manager.run(addOne, [n])), end: () => manager.drain() }
    },
    'results of submitted tasks that nobody takes': () => {
      const manager = new AsyncTaskManager({ maxConcurrent: 10, maxResults: 100 })
      return { doMany: (count) => inWaves(count, 1_000, (n) => manager.submitTask(addOne, [n])) }
    },
    'one map over an input without end': () => {
      const manager = new AsyncTaskManager({ maxConcurrent: 10 })
      const results = manager.map(
        addOne,
        (function* () {
          for (let n = 0; ; n++) yield n
        })(),
      )
      const doMany = async (count) => {
        for (let n = 0; n < count; n++) await results.next()
      }
      return { doMany, end: () => results.return() }
    },
    'a queue between two tasks': () => {
      const queue = new AsyncQueue({ capacity: 100 })
      const put = async (count) => {
        for (let n = 0; n < count; n++) await queue.put(n)
      }
      const get = async (count) => {
        for (let n = 0; n < count; n++) await queue.get()
      }
      return { doMany: (count) => Promise.all([put(count), get(count)]) }
    },
    'a rate limiter, strict': () => {
      const limiter = new AsyncRateLimiter(10_000, 1, { strict: true })
      return { doMany: (count) => inWaves(count, 1_000, () => limiter.acquire()) }
    },
    'a rate limiter with a new key each time': () => {
      const limiter = new AsyncKeyedRateLimiter(1_000, 1, { burst: 1 })
      return { doMany: (count) => inWaves(count, 1_000, async (n) => limiter.tryAcquire(n)) }
    },
    'items in batches': () => {
      const processor = new AsyncBatchProcessor({ process: async (items) => items.map((item) => item + 1) })
      return { doMany: (count) => inWaves(count, 1_000, (n) => processor.add(n)), end: () => processor.close() }
    },
  }
}
