import { AsyncTaskManager } from '@heddle/async-patterns'
import { ProcessPoolManager } from '@heddle/process-pool'
import { ThreadPoolManager } from '@heddle/worker-pool'
import { failureCode } from '../failure-code.js'
import type { Pattern } from '../pattern.js'
import { sumAndPlace } from './setup-tasks.js'

/** The runbook's set-up: one manager for threads, one for processes, one for the tasks of this thread. */
function setupConcurrencyPatterns(print: (line: string) => void) {
  const threadPool = new ThreadPoolManager({ maxWorkers: 10 })
  const processPool = new ProcessPoolManager({ maxWorkers: 4 })
  const asyncManager = new AsyncTaskManager({ maxConcurrent: 10 })
  print('Concurrency patterns setup complete!')
  return {
    threadPool,
    processPool,
    asyncManager,
    async [Symbol.asyncDispose]() {
      await Promise.all([threadPool.drain(), processPool.drain(), asyncManager.drain()])
    },
  }
}

export const completeSetup: Pattern = {
  name: 'complete-setup',
  title: 'setup_concurrency_patterns',
  aliases: ['setup', 'Complete concurrency setup'],
  kind: 'set-up',
  packages: ['@heddle/worker-pool', '@heddle/process-pool', '@heddle/async-patterns'],
  mends:
    'it drops all three managers when it returns, and its pools refuse every task since nobody entered them: here they are handed out, work, and end together',
  async run({ print, signal }) {
    const data = Array.from({ length: 100 }, (_, n) => n)
    const { threadPool, processPool, asyncManager, places, sums } = await useAndShutDown()
    const refused = [
      await failureCode(signal, () => threadPool.run(sumAndPlace, [data])),
      await failureCode(signal, () => processPool.run(sumAndPlace, [data])),
      await failureCode(signal, () => asyncManager.run(sumAndPlace, [data])),
    ]
    print('all three are shut down')

    let sum = 0
    for (const n of data) sum += n * n
    return [
      { what: 'what each of the three came to', actual: sums, expected: [sum, sum, sum] },
      { what: 'where it ran', actual: places, expected: ['another thread', 'another process', 'this thread'] },
      {
        what: 'each is closed afterwards',
        actual: refused,
        expected: ['ERR_CLOSED', 'ERR_CLOSED', 'ERR_CLOSED'],
      },
    ]

    async function useAndShutDown() {
      await using setup = setupConcurrencyPatterns(print)
      const { threadPool, processPool, asyncManager } = setup
      const outcomes = await Promise.all([
        threadPool.run(sumAndPlace, [data], { signal }),
        processPool.run(sumAndPlace, [data], { signal }),
        asyncManager.run(sumAndPlace, [data], { signal }),
      ])
      const places = outcomes.map(({ pid, isMainThread }) => {
        if (pid !== process.pid) return 'another process'
        return isMainThread ? 'this thread' : 'another thread'
      })
      const sums = outcomes.map(({ sum }) => sum)
      for (const [index, place] of places.entries()) print(`${place} came to ${sums[index]}`)
      return { ...setup, places, sums }
    }
  },
}
