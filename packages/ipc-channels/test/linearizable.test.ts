import { ThreadSafeQueue } from '@heddle/ipc-channels'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { isLinearizable, type RecordedCall } from './support/linearizable.js'
import { QueueWorker } from './support/queue-worker.js'
import { sharedWords } from './support/shared-words.js'

describe('the checker', () => {
  const put = (item: number, begun: number, ended: number): RecordedCall => ({
    call: 'put',
    item,
    outcome: true,
    begun,
    ended,
  })
  const tryGet = (outcome: number | false, begun: number, ended: number): RecordedCall => ({
    call: 'tryGet',
    outcome,
    begun,
    ended,
  })

  test('accepts calls that overlap, in whichever order explains them', () => {
    expect(isLinearizable([[put(1, 0, 9)], [put(2, 1, 8)], [tryGet(2, 2, 3), tryGet(1, 4, 5)]], 2)).toBe(true)
  })

  test('refuses items in the wrong order', () => {
    expect(isLinearizable([[put(1, 0, 1), put(2, 2, 3)], [tryGet(2, 4, 5)]], 2)).toBe(false)
  })

  test('refuses a queue that was said to be empty beside an item', () => {
    expect(isLinearizable([[put(1, 0, 9)], [put(2, 1, 2)], [tryGet(1, 3, 4), tryGet(false, 5, 6)]], 2)).toBe(false)
  })

  test('refuses a queue that holds more than its capacity, an item taken twice, and an item put after close', () => {
    expect(isLinearizable([[put(1, 0, 1), put(2, 2, 3)]], 1)).toBe(false)
    expect(isLinearizable([[put(1, 0, 1)], [tryGet(1, 2, 3), tryGet(1, 4, 5)]], 1)).toBe(false)
    const close: RecordedCall = { call: 'close', outcome: undefined, begun: 0, ended: 1 }
    expect(isLinearizable([[close, put(1, 2, 3)]], 1)).toBe(false)
  })
})

test('recorded calls of three threads, among them timeouts, try forms and close, are those of a bounded queue', async () => {
  const workers = await Promise.all(
    Array.from({ length: 3 }, () => QueueWorker.withQueues({ queue: new ThreadSafeQueue() })),
  )
  const histories = 150
  const weighted = fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom('put', 'putSync', 'tryPut', 'get', 'getSync', 'tryGet') },
    { weight: 1, arbitrary: fc.constant('close') },
  )
  const scripts = fc.sample(
    fc.array(fc.array(weighted, { minLength: 7, maxLength: 7 }), { minLength: 3, maxLength: 3 }),
    {
      numRuns: histories,
    },
  )
  for (const [round, script] of scripts.entries()) {
    const capacity = 1 + (round % 3)
    const queue = new ThreadSafeQueue<number>({ capacity, capacityBytes: 256 })
    await Promise.all(workers.map((worker) => worker.open('queue', queue)))
    const [clock, gate] = [sharedWords(1), sharedWords(1)]
    const history = (await Promise.all(
      workers.map((worker, thread) => {
        const calls = (script[thread] ?? []).map((call, i) =>
          call.toLowerCase().includes('put') ? { call, item: 100 * (thread + 1) + i } : { call },
        )
        // 0 and a little: with 0 the calls crowd, with more they also sleep.
        return worker.run('record', { name: 'queue', calls, timeout: round % 3, clock, gate, parties: 3 })
      }),
    )) as RecordedCall[][]
    if (!isLinearizable(history, capacity))
      throw new Error(`capacity ${capacity}, not the calls of a queue:\n${JSON.stringify(history, undefined, 1)}`)
  }
  expect(scripts).toHaveLength(histories)
})
