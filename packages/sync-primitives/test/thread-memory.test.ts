import {
  AutoResetEvent,
  Barrier,
  Condition,
  Latch,
  ManualResetEvent,
  type Memory,
  Mutex,
  ReadWriteLock,
  RecursiveMutex,
  Semaphore,
  type SharedObjectHandle,
  ThreadMemory,
  type ThreadMemoryOptions,
  ThreadSafeCounter,
  ThreadSafeCounter64,
} from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { thrownBy } from './support/until.js'

interface SharedObject {
  toHandle(): SharedObjectHandle
}

interface Opener {
  fromHandle(handle: never): SharedObject
}

/** Every class that takes words from a memory: how it is made in one, and what opens it. */
const classes: [string, (memory: Memory) => SharedObject, Opener][] = [
  ['Mutex', (memory) => new Mutex({ memory }), Mutex],
  ['fair Mutex', (memory) => new Mutex({ memory, fair: true }), Mutex],
  ['RecursiveMutex', (memory) => new RecursiveMutex({ memory }), RecursiveMutex],
  ['ReadWriteLock', (memory) => new ReadWriteLock({ memory }), ReadWriteLock],
  ['Semaphore', (memory) => new Semaphore(1, { memory }), Semaphore],
  ['Barrier', (memory) => new Barrier(2, { memory }), Barrier],
  ['Condition', (memory) => new Condition(new Mutex({ memory })), Condition],
  ['Latch', (memory) => new Latch(1, { memory }), Latch],
  ['ManualResetEvent', (memory) => new ManualResetEvent(false, { memory }), ManualResetEvent],
  ['AutoResetEvent', (memory) => new AutoResetEvent(false, { memory }), AutoResetEvent],
  ['ThreadSafeCounter', (memory) => new ThreadSafeCounter(0, { memory }), ThreadSafeCounter],
  ['ThreadSafeCounter64', (memory) => new ThreadSafeCounter64(0n, { memory }), ThreadSafeCounter64],
]

const open = (opener: Opener, handle: unknown) => opener.fromHandle(handle as never)
const badHandle = { name: 'TypeError', code: 'ERR_BAD_HANDLE' }

describe('making one', () => {
  test.each<[string, unknown, string, string]>([
    ['null', null, 'TypeError', 'ERR_INVALID_ARG'],
    ['a number', 65_536, 'TypeError', 'ERR_INVALID_ARG'],
    ['bytes in text', { bytes: '65536' }, 'TypeError', 'ERR_INVALID_ARG'],
    ['null bytes', { bytes: null }, 'TypeError', 'ERR_INVALID_ARG'],
    ['0 bytes', { bytes: 0 }, 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['too few bytes for its own table', { bytes: 1_024 }, 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['negative bytes', { bytes: -65_536 }, 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['half a byte', { bytes: 65_536.5 }, 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['NaN bytes', { bytes: Number.NaN }, 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['2 ** 31 bytes', { bytes: 2 ** 31 }, 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['infinite bytes', { bytes: Number.POSITIVE_INFINITY }, 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['no participants', { participants: 0 }, 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['256 participants', { participants: 256 }, 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['one and a half participants', { participants: 1.5 }, 'RangeError', 'ERR_OUT_OF_RANGE'],
    ['participants in text', { participants: '2' }, 'TypeError', 'ERR_INVALID_ARG'],
  ])('%s is refused', (_, options, name, code) => {
    expect(thrownBy(() => ThreadMemory.create(options as ThreadMemoryOptions))).toMatchObject({ name, code })
  })

  test('it has the size asked for, rounded up to a line, for 1 to 255 threads', () => {
    expect(ThreadMemory.create().buffer.byteLength).toBe(262_144)
    for (const [bytes, size] of [
      [16_384, 16_384],
      [16_385, 16_448],
    ] as const)
      expect(ThreadMemory.create({ bytes }).buffer.byteLength).toBe(size)
    for (const participants of [1, 255]) {
      const memory = ThreadMemory.create({ participants })
      expect(memory.slots).toBe(participants)
      new Mutex({ memory }).acquireSync().release()
      new Semaphore(1, { memory }).acquireSync().release()
    }
  })

  test('two memories do not know each other: an index of one names nothing, or another object, in the other', () => {
    const [one, other] = [ThreadMemory.create(), ThreadMemory.create()]
    const [mutex, twin] = [new Mutex({ memory: one }), new Mutex({ memory: other })]
    expect(mutex.toHandle().index).toBe(twin.toHandle().index)
    const guard = mutex.acquireSync()
    expect(twin.tryAcquire()?.held).toBe(true)
    guard.release()
  })
})

describe.each(classes)('a %s in a memory of one’s own', (_, create, opener) => {
  test('has its words there, and is opened by its handle from a message', () => {
    const memory = ThreadMemory.create()
    const object = create(memory)
    const handle = object.toHandle()
    expect((handle as unknown as { buffer: SharedArrayBuffer }).buffer).toBe(memory.buffer)
    expect(handle.memory).toBe('thread')
    const same = open(opener, structuredClone(handle))
    expect(same.toHandle()).toEqual(handle)
  })

  test.each<[string, unknown]>([
    ['null', null],
    ['a number', 1],
    ['the kind of a memory', 'thread'],
    ['a buffer', new SharedArrayBuffer(65_536)],
    ['the handle of a memory', ThreadMemory.create().toHandle()],
    ['words', new Int32Array(64)],
  ])('%s is no memory', (_what, memory) => {
    expect(thrownBy(() => create(memory as Memory))).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG' })
  })

  test('is ERR_OUT_OF_RANGE when there is no room, and what is there already works on', () => {
    const memory = ThreadMemory.create({ bytes: 12_288, participants: 2 })
    const mutex = new Mutex({ memory })
    const made = [mutex as SharedObject]
    const error = thrownBy(() => {
      for (let i = 0; i < 1_000; i++) made.push(create(memory))
    })
    expect(error).toMatchObject({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
    expect(new Set(made.map((object) => object.toHandle().index)).size).toBe(made.length)
    expect(thrownBy(() => create(memory))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    mutex.acquireSync().release()
    create(ThreadMemory.create()) // elsewhere there is room
  })

  test.each<[string, (handle: SharedObjectHandle) => unknown]>([
    ['the buffer of another memory', (handle) => ({ ...handle, buffer: ThreadMemory.create().buffer })],
    ['a foreign buffer', (handle) => ({ ...handle, buffer: new SharedArrayBuffer(262_144) })],
    ['an ArrayBuffer', (handle) => ({ ...handle, buffer: new ArrayBuffer(262_144) })],
    ['no buffer', (handle) => ({ ...handle, buffer: undefined })],
    ['a kind of memory that nobody has', (handle) => ({ ...handle, memory: 'drum' })],
    ['no kind of memory', (handle) => ({ ...handle, memory: undefined })],
    ['the place of the table of threads', (handle) => ({ ...handle, index: 16 })],
    ['a place that is free', (handle) => ({ ...handle, index: 65_536 - 16 })],
  ])('is not opened by a handle with %s', (_what, damage) => {
    const object = create(ThreadMemory.create())
    expect(thrownBy(() => open(opener, damage(object.toHandle())))).toMatchObject(badHandle)
  })
})

describe('a buffer', () => {
  test('is opened as the memory that it is, once in a thread, in however many messages it comes', () => {
    const memory = ThreadMemory.create()
    expect(ThreadMemory.of(memory.buffer)).toBe(memory)
    for (let message = 0; message < 5; message++) {
      const buffer = structuredClone(memory.buffer)
      expect(buffer).not.toBe(memory.buffer)
      expect(ThreadMemory.of(buffer)).toBe(memory)
    }
  })

  test.each<[string, (memory: ThreadMemory) => unknown]>([
    ['that is none', () => ({})],
    ['of null', () => null],
    ['that is not shared', () => new ArrayBuffer(65_536)],
    ['that only claims to be shared', () => new Uint8Array(65_536)],
    ['of 0 bytes', () => new SharedArrayBuffer(0)],
    ['of 65 bytes', () => new SharedArrayBuffer(65)],
    ['full of zeros', () => new SharedArrayBuffer(65_536)],
    ['with another first word', (memory) => copyBut(memory, 0, 1)],
    ['of an older layout', (memory) => copyBut(memory, 1, 1)],
    ['of a newer layout', (memory) => copyBut(memory, 1, 3)],
    ['for 0 threads', (memory) => copyBut(memory, 2, 0)],
    ['for -1 threads', (memory) => copyBut(memory, 2, -1)],
    ['for 256 threads', (memory) => copyBut(memory, 2, 256)],
    ['that ends within its table of threads', (memory) => firstBytes(memory, 512)],
  ])('%s is no memory', (_, damaged) => {
    const buffer = damaged(ThreadMemory.create({ bytes: 16_384 })) as SharedArrayBuffer
    expect(thrownBy(() => ThreadMemory.of(buffer))).toMatchObject(badHandle)
  })
})

function copyBut(memory: ThreadMemory, index: number, value: number): SharedArrayBuffer {
  const buffer = firstBytes(memory, memory.buffer.byteLength)
  new Int32Array(buffer)[index] = value
  return buffer
}

function firstBytes(memory: ThreadMemory, bytes: number): SharedArrayBuffer {
  const words = new Int32Array(new SharedArrayBuffer(bytes))
  words.set(memory.words.subarray(0, bytes / 4))
  return words.buffer
}
