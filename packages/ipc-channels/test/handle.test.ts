import { decodeValue, encodeValue, toBytes } from '@heddle/codec'
import { ThreadSafeQueue, type ThreadSafeQueueHandle } from '@heddle/ipc-channels'
import { Mutex, Semaphore } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { wordsOf } from './support/shared-words.js'
import { thrownBy } from './support/until.js'

describe('a handle', () => {
  test('opens the same queue, and survives a structured clone', () => {
    const queue = new ThreadSafeQueue<string>({ capacity: 3 })
    const opened = ThreadSafeQueue.fromHandle<string>(structuredClone(queue.toHandle()))
    queue.putSync('there')
    expect([opened.capacity, opened.size, opened.getSync()]).toEqual([3, 1, 'there'])
    opened.putSync('and back')
    expect(queue.getSync()).toBe('and back')
    expect(queue.getStats()).toEqual(opened.getStats())
  })

  test('goes through the codec as the queue itself, between threads', () => {
    const queue = new ThreadSafeQueue<number>()
    const message = structuredClone(encodeValue({ deep: [queue] }, 'thread'))
    const { deep } = decodeValue(message) as { deep: [ThreadSafeQueue<number>] }
    expect(deep[0]).toBeInstanceOf(ThreadSafeQueue)
    deep[0].putSync(5)
    expect(queue.getSync()).toBe(5)
  })

  test('is refused on its way to another process', () => {
    expect(thrownBy(() => toBytes(new ThreadSafeQueue()))).toMatchObject({ code: 'ERR_NOT_CLONEABLE' })
  })

  type Damage = (handle: ThreadSafeQueueHandle) => unknown
  const word =
    (index: number, value: number): Damage =>
    (handle) => {
      Atomics.store(new Int32Array(handle.buffer), index, value)
      return handle
    }
  const damages: [string, Damage][] = [
    ['nothing', () => undefined],
    ['null', () => null],
    ['text', () => 'ipc-channels/ThreadSafeQueue'],
    ['an empty object', () => ({})],
    ['another kind', (handle) => ({ ...handle, kind: 'sync-primitives/Mutex' })],
    ['another version', (handle) => ({ ...handle, version: 2 })],
    ['no buffer', (handle) => ({ ...handle, buffer: undefined })],
    ['an ArrayBuffer', (handle) => ({ ...handle, buffer: new ArrayBuffer(1_024) })],
    ['what JSON leaves of it', (handle) => JSON.parse(JSON.stringify(handle))],
    ['a buffer that is too small', (handle) => ({ ...handle, buffer: new SharedArrayBuffer(32) })],
    ['a buffer of an odd size', (handle) => ({ ...handle, buffer: new SharedArrayBuffer(1_023) })],
    ['a buffer of zeros', (handle) => ({ ...handle, buffer: new SharedArrayBuffer(1_024) })],
    ['the buffer of a lock', (handle) => ({ ...handle, buffer: handle.mutex.buffer })],
    ['a wrong magic word', word(0, 1)],
    ['another layout', word(1, 2)],
    ['a capacity of 0', word(2, 0)],
    ['a negative capacity', word(2, -1)],
    ['a capacity that does not fit the size', word(2, 3)],
    ['an item size of 0', word(3, 0)],
    ['an item size that does not fit the size', word(3, 4_096)],
    ['no mutex', (handle) => ({ ...handle, mutex: undefined })],
    ['a null semaphore', (handle) => ({ ...handle, freeSlots: null })],
    ['a semaphore as the mutex', (handle) => ({ ...handle, mutex: handle.freeSlots })],
    ['the mutex as a semaphore', (handle) => ({ ...handle, freeSlots: handle.mutex })],
    ['swapped semaphores', (handle) => ({ ...handle, freeSlots: handle.filledSlots, filledSlots: handle.freeSlots })],
    ['the mutex of somebody else', (handle) => ({ ...handle, mutex: new Mutex().toHandle() })],
    ['a semaphore of somebody else', (handle) => ({ ...handle, filledSlots: new Semaphore(0).toHandle() })],
    ['a lock without its memory', (handle) => ({ ...handle, mutex: { ...handle.mutex, buffer: handle.buffer } })],
    ['a lock of another kind', (handle) => ({ ...handle, mutex: { ...handle.mutex, kind: 'x/Y' } })],
  ]

  test.each(damages)('that is %s is ERR_BAD_HANDLE', (_, damage) => {
    const queue = new ThreadSafeQueue({ capacity: 2, maxItemBytes: 100 })
    const damaged = damage(queue.toHandle()) as ThreadSafeQueueHandle
    expect(thrownBy(() => ThreadSafeQueue.fromHandle(damaged))).toMatchObject({
      name: 'TypeError',
      code: 'ERR_BAD_HANDLE',
    })
  })
})

/** The code of what the call threw, or `none`. */
function codeOf(call: () => unknown): unknown {
  try {
    call()
    return 'none'
  } catch (error) {
    return (error as { code: unknown }).code
  }
}

test.each([
  ['a head beyond the slots', 4, 3],
  ['a negative head', 4, -1],
  ['more items than slots', 5, 4],
  ['fewer items than none', 5, -1],
  ['an item longer than its slot', 16, 61],
  ['an item of negative length', 16, -1],
])('a queue into which somebody has written %s is ERR_INTERNAL, and nothing is taken', (_, index, value) => {
  const queue = new ThreadSafeQueue<number>({ capacity: 3, maxItemBytes: 60 })
  queue.putSync(1)
  wordsOf(queue)[index] = value
  expect(codeOf(() => queue.tryGet())).toBe('ERR_INTERNAL')
  expect(codeOf(() => queue.getSync())).toBe('ERR_INTERNAL')
  expect(queue.getStats().getCount).toBe(0)
})

test('whatever somebody writes into the words of a queue, a call gives an answer or ERR_INTERNAL, and never hangs', () => {
  const anyWord = fc.oneof(fc.integer({ min: -3, max: 5 }), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }))
  const [head, count, firstLength] = [4, 5, 16]
  fc.assert(
    fc.property(anyWord, anyWord, anyWord, (...values) => {
      const queue = new ThreadSafeQueue<number>({ capacity: 3, maxItemBytes: 60 })
      for (const item of [1, 2]) queue.putSync(item)
      const words = wordsOf(queue)
      for (const [i, index] of [head, count, firstLength].entries()) words[index] = values[i] ?? 0
      const codes = [() => queue.tryGet(), () => queue.tryPut(3), () => queue.getSync({ timeout: 0 })].map(codeOf)
      // ERR_INVALID_ARG: the codec was given other bytes than it once wrote.
      for (const code of codes) expect(['none', 'ERR_INTERNAL', 'ERR_INVALID_ARG', 'ERR_TIMEOUT']).toContain(code)
    }),
    { numRuns: 200 },
  )
})
