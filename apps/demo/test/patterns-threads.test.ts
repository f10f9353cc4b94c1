import diagnostics from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import type { Pattern } from '@heddle/demo/patterns/pattern.js'
import { runPattern } from '@heddle/demo/patterns/run-pattern.js'
import { quickStartThreading } from '@heddle/demo/patterns/runbook/quick-start-threading.js'
import { barrier } from '@heddle/demo/patterns/threads/barrier.js'
import { producerConsumer } from '@heddle/demo/patterns/threads/producer-consumer.js'
import { producerConsumerExample } from '@heddle/demo/patterns/threads/producer-consumer-example.js'
import { readWriteLock } from '@heddle/demo/patterns/threads/read-write-lock.js'
import { semaphore } from '@heddle/demo/patterns/threads/semaphore.js'
import { threadPoolManager } from '@heddle/demo/patterns/threads/thread-pool-manager.js'
import { threadSafeCache } from '@heddle/demo/patterns/threads/thread-safe-cache.js'
import { threadSafeQueue } from '@heddle/demo/patterns/threads/thread-safe-queue.js'
import { workerWithBarrier } from '@heddle/demo/patterns/threads/worker-with-barrier.js'
import { workerWithSemaphore } from '@heddle/demo/patterns/threads/worker-with-semaphore.js'
import { ProducerConsumer, type ProducerConsumerReport } from '@heddle/ipc-channels'
import { Barrier } from '@heddle/sync-primitives'
import { ThreadPoolManager } from '@heddle/worker-pool'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'

let workers: Worker[] = []
const noteWorker = (message: unknown) => {
  workers.push((message as { worker: Worker }).worker)
}
/** One that has ended has the id -1. */
const lives = ({ threadId }: Worker) => threadId !== -1
const living = () => workers.filter(lives).map(({ threadId }) => threadId)

beforeAll(() => {
  diagnostics.subscribe('worker_threads', noteWorker)
})
afterAll(() => {
  diagnostics.unsubscribe('worker_threads', noteWorker)
})
beforeEach(() => {
  workers = []
})

async function run(pattern: Pattern) {
  const lines: string[] = []
  const row = await runPattern(pattern, (line) => lines.push(line), new AbortController().signal)
  return { row, lines }
}

const ofWorkers = (workers: number, ...sayings: string[]) =>
  Array.from({ length: workers }, (_, id) => sayings.map((saying) => `Worker ${id} ${saying}`)).flat()

describe('the patterns of threads', () => {
  test.each<{ pattern: Pattern; said: string[] }>([
    {
      pattern: threadPoolManager,
      said: [
        'task_0 has come to 338350',
        'task_1 was not done in 20 ms, and later has come to 385',
        'task_2: success, 14',
        'task_3: error, RangeError: cannot count to -1',
        'task_4: success, 55',
      ],
    },
    {
      pattern: threadSafeQueue,
      said: ['put 2, got 2, errors 4', '2 threads have put 1000 items, 2 have got 1000'],
    },
    {
      pattern: producerConsumer,
      said: ['consumed 19, failed on 13', '3 threads: produced 200, consumed 200, sum 20100'],
    },
    {
      pattern: readWriteLock,
      said: [
        '3 readers were inside together',
        '2 writers have counted to 50 and 50',
        'beside a writer that waits, a new reader is not let in',
      ],
    },
    {
      pattern: threadSafeCache,
      said: [
        '4 entries are left: key 0, key 4, key 9, key 3',
        '2 threads have asked for 300 squares each, and computed 300 together',
      ],
    },
    {
      pattern: barrier,
      said: ['3 threads have passed 50 times', 'who gives up gets ERR_TIMEOUT, and the other one ERR_BARRIER_BROKEN'],
    },
  ])('$pattern.title comes to what it has to, on threads that end with it, and says so', async ({ pattern, said }) => {
    const { row, lines } = await run(pattern)
    expect(row).toMatchObject({ problems: [], ok: true })
    expect(lines).toEqual(said)
    expect(workers.length).toBeGreaterThan(0)
    expect(living()).toEqual([])
  })

  test('Semaphore comes to what it has to, also when a thread dies inside', async () => {
    const { row, lines } = await run(semaphore)
    expect(row).toMatchObject({ problems: [], ok: true })
    expect(lines).toEqual([
      'with 0 permits left, a third one is not let in',
      'of 4 threads 2 were inside at a time',
      'a thread has died inside, and 2 permits are there',
    ])
    expect(workers.length).toBeGreaterThan(4)
    // What takes the place of a thread that has died may end some milliseconds later than its pool.
    await Promise.all(workers.filter(lives).map((worker) => once(worker, 'exit')))
    expect(living()).toEqual([])
  })

  test('each item of the example is processed, by the words of the document, and none is left', async () => {
    const { row, lines } = await run(producerConsumerExample)
    expect(row).toMatchObject({ problems: [], ok: true })
    expect(lines.filter((line) => !/^Processing: Item_\d+(\.\d+)?$/.test(line))).toEqual([])
    expect(lines.length).toBeGreaterThanOrEqual(6)
    expect(living()).toEqual([])
  })

  test('no worker says that it has passed the barrier before all say that they wait there', async () => {
    const { row, lines } = await run(workerWithBarrier)
    expect(row).toMatchObject({ problems: [], ok: true })
    expect(lines.slice(0, 6).sort()).toEqual(ofWorkers(3, 'starting', 'waiting at barrier'))
    expect(lines.slice(6, 9).sort()).toEqual(ofWorkers(3, 'passed barrier'))
    // Then without worker 0: the others give up.
    expect(lines.slice(9).sort()).toEqual(ofWorkers(3, 'starting', 'waiting at barrier').slice(2))
    expect(living()).toEqual([])
  })

  test('no three workers say that they have acquired the semaphore before one releases it', async () => {
    const { row, lines } = await run(workerWithSemaphore)
    expect(row).toMatchObject({ problems: [], ok: true })
    expect(lines.toSorted()).toEqual(ofWorkers(3, 'acquired semaphore', 'releasing semaphore'))
    let inside = 0
    const counts = lines.map((line) => {
      inside += line.endsWith('acquired semaphore') ? 1 : -1
      return inside
    })
    expect(Math.max(...counts)).toBeLessThanOrEqual(2)
    expect(living()).toEqual([])
  })

  test('the quick start runs its task in a thread', async () => {
    const { row, lines } = await run(quickStartThreading)
    expect(row).toMatchObject({ problems: [], ok: true })
    expect(lines).toEqual([expect.stringMatching(/^task_0: [0-9a-f]{64}$/)])
    expect(workers.length).toBeGreaterThan(0)
    expect(living()).toEqual([])
  })
})

describe('a pattern that is aborted', () => {
  test.each([threadPoolManager, threadSafeQueue, producerConsumerExample, workerWithBarrier])(
    '$title ends soon with the reason, and its threads with it',
    async (pattern) => {
      const controller = new AbortController()
      const reason = new Error('enough')
      let aborted = 0
      const abort = () => {
        if (controller.signal.aborted) return
        aborted = performance.now()
        controller.abort(reason)
      }
      await expect(runPattern(pattern, abort, controller.signal)).rejects.toBe(reason)
      expect(performance.now() - aborted).toBeLessThan(5_000)
      expect(living()).toEqual([])
    },
  )
})

/** Neither a consumer nor the report knows of these items. */
function loseEveryThird() {
  const theirs = Object.getOwnPropertyDescriptors(ProducerConsumer.prototype)
  let taken = 0
  let lost = 0
  jest.spyOn(ProducerConsumer.prototype, 'addConsumer').mockImplementation(function (this: unknown, consume, ...rest) {
    const losing: typeof consume = (...given) => {
      taken += 1
      if (taken % 3 > 0) return consume(...given)
      lost += 1
      return undefined
    }
    Reflect.apply(theirs.addConsumer.value as () => void, this, [losing, ...rest])
  })
  jest.spyOn(ProducerConsumer.prototype, 'stop').mockImplementation(async function (this: unknown, ...args) {
    const stopping: unknown = Reflect.apply(theirs.stop.value as () => unknown, this, args)
    const report = (await stopping) as ProducerConsumerReport<unknown>
    return { ...report, produced: report.produced - lost, consumed: report.consumed - lost }
  })
}

describe('a pattern whose package is at fault is not ok', () => {
  afterEach(() => {
    jest.restoreAllMocks()
  })

  test.each<{ fault: string; spoil: () => unknown; pattern: Pattern; problem: string }>([
    {
      fault: 'forgets tasks',
      spoil: () => jest.spyOn(ThreadPoolManager.prototype, 'waitForAllTasks').mockResolvedValue(new Map()),
      pattern: threadPoolManager,
      problem: 'the rows of all tasks',
    },
    {
      fault: 'gives another result',
      spoil: () => jest.spyOn(ThreadPoolManager.prototype, 'getTaskResult').mockResolvedValue('another'),
      pattern: quickStartThreading,
      problem: "the digest of a file: 'another', and not",
    },
    {
      fault: 'waits for nobody',
      // The threads get another barrier, which each of them passes alone.
      spoil: () => jest.spyOn(Barrier.prototype, 'toHandle').mockReturnValue(new Barrier(1).toHandle()),
      pattern: barrier,
      problem: 'how many parties were the last one, in each round',
    },
    {
      fault: 'loses every third item, and does not count it',
      spoil: loseEveryThird,
      pattern: producerConsumerExample,
      problem: 'each item that was produced is processed or handed back, once: [ 1, 2, 4, 5,',
    },
  ])('$pattern.title: its package $fault', async ({ spoil, pattern, problem }) => {
    spoil()
    const { row } = await run(pattern)
    expect(row.ok).toBe(false)
    expect(row.problems[0]).toContain(problem)
    expect(living()).toEqual([])
  })
})
