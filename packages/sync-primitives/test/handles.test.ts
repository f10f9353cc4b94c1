import { Mutex, Semaphore, type SharedObjectHandle, ThreadSafeCounter } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { LockWorker } from './support/lock-worker.js'
import { sharedWords, wordsUnder } from './support/shared-words.js'
import { thrownBy } from './support/until.js'

const refused = { name: 'TypeError', code: 'ERR_BAD_HANDLE' }

/** Each class, with an object of it and one of another class. */
const classes = [
  ['Mutex', Mutex, () => new Mutex(), () => new Semaphore()],
  ['Semaphore', Semaphore, () => new Semaphore(), () => new ThreadSafeCounter()],
  ['ThreadSafeCounter', ThreadSafeCounter, () => new ThreadSafeCounter(), () => new Mutex()],
] as const

describe.each(classes)('the handle of a %s', (name, opener, create, createOther) => {
  const open = (handle: unknown) => opener.fromHandle(handle as SharedObjectHandle)

  test('is plain data that structured clone carries whole', () => {
    const handle = create().toHandle()
    expect(Object.getPrototypeOf(handle)).toBe(Object.prototype)
    const clone = structuredClone(handle)
    expect(clone).toMatchObject({ kind: handle.kind, version: handle.version, index: handle.index })
    expect(open(clone).toHandle()).toMatchObject({ kind: handle.kind, index: handle.index })
    expect(handle.kind).toBe(`sync-primitives/${name}`)
  })

  test('is entered in the kinds of the family with its version, and opens there too', () => {
    const kinds = (
      globalThis as unknown as Record<
        symbol,
        Map<string, { version: number; fromHandle(handle: SharedObjectHandle): unknown }>
      >
    )[Symbol.for('heddle.kinds')]
    const handle = create().toHandle()
    const kind = kinds?.get(handle.kind)
    expect(kind?.version).toBe(handle.version)
    expect(kind?.fromHandle(handle)).toBeInstanceOf(opener)
  })

  test.each([
    ['null', null],
    ['undefined', undefined],
    ['a number', 7],
    ['text', 'sync-primitives/Mutex'],
    ['a function', () => {}],
    ['an empty object', {}],
    ['an array', []],
  ])('%s is no handle', (_, value) => {
    expect(thrownBy(() => open(value))).toMatchObject(refused)
  })

  test('the object itself is no handle', () => {
    expect(thrownBy(() => open(create()))).toMatchObject(refused)
  })

  const damages: [string, (handle: SharedObjectHandle) => unknown][] = [
    ['another kind', (handle) => ({ ...handle, kind: createOther().toHandle().kind })],
    ['a kind nobody knows', (handle) => ({ ...handle, kind: 'sync-primitives/Nothing' })],
    ['no kind', (handle) => without(handle, 'kind')],
    ['an older version', (handle) => ({ ...handle, version: 0 })],
    ['a newer version', (handle) => ({ ...handle, version: handle.version + 1 })],
    ['its version in text', (handle) => ({ ...handle, version: String(handle.version) })],
    ['a symbol as version', (handle) => ({ ...handle, version: Symbol('one') })],
    ['an object as version', (handle) => ({ ...handle, version: Object.create(null) })],
    ['no buffer', (handle) => without(handle, 'buffer')],
    ['null as buffer', (handle) => ({ ...handle, buffer: null })],
    ['what JSON makes of its buffer', (handle) => JSON.parse(JSON.stringify(handle))],
    ['an ArrayBuffer', (handle) => ({ ...handle, buffer: new ArrayBuffer(65_536) })],
    ['a view of its buffer', (handle) => ({ ...handle, buffer: new Int32Array(bufferOf(handle)) })],
    ['a foreign SharedArrayBuffer', (handle) => ({ ...handle, buffer: new SharedArrayBuffer(65_536) })],
    ['an empty SharedArrayBuffer', (handle) => ({ ...handle, buffer: new SharedArrayBuffer(0) })],
    ['a SharedArrayBuffer of 3 bytes', (handle) => ({ ...handle, buffer: new SharedArrayBuffer(3) })],
    ['a SharedArrayBuffer of 4,097 bytes', (handle) => ({ ...handle, buffer: new SharedArrayBuffer(4_097) })],
    ['a memory that is none, for its first word', (handle) => ({ ...handle, buffer: memoryButFor(0, handle) })],
    ['a memory of another layout', (handle) => ({ ...handle, buffer: memoryButFor(1, handle) })],
    ['the place of an object of another class', (handle) => ({ ...handle, index: createOther().toHandle().index })],
    ['a misaligned place', (handle) => ({ ...handle, index: handle.index + 1 })],
    ['a place that was never given out', (handle) => ({ ...handle, index: 65_536 / 4 - 16 })],
    ['a place behind the end', (handle) => ({ ...handle, index: 65_536 / 4 })],
    ['a place far behind the end', (handle) => ({ ...handle, index: 2 ** 40 })],
    ['the place of the memory header', (handle) => ({ ...handle, index: 0 })],
    ['a negative place', (handle) => ({ ...handle, index: -16 })],
    ['half a place', (handle) => ({ ...handle, index: 16.5 })],
    ['NaN as place', (handle) => ({ ...handle, index: Number.NaN })],
    ['Infinity as place', (handle) => ({ ...handle, index: Number.POSITIVE_INFINITY })],
    ['its place in text', (handle) => ({ ...handle, index: String(handle.index) })],
    ['no place', (handle) => without(handle, 'index')],
  ]

  test.each(damages)('with %s it is ERR_BAD_HANDLE, and the memory is unchanged', (_, damage) => {
    const object = create()
    const damaged = damage(object.toHandle())
    const { words } = wordsUnder(object)
    const before = bytesOf(words)
    expect(thrownBy(() => open(damaged))).toMatchObject(refused)
    expect(bytesOf(words).equals(before)).toBe(true)
    expect(open(object.toHandle())).toBeInstanceOf(opener)
  })

  test('a place that was never given out is refused even if the words there look right', () => {
    const object = create()
    const { words, tag } = wordsUnder(object)
    const index = words.length - 16
    const before = words[index] ?? 0
    words[index] = words[tag] ?? 0
    expect(thrownBy(() => open({ ...object.toHandle(), index }))).toMatchObject(refused)
    words[index] = before
  })

  test('an object opened from it is the same object as far as its state goes', () => {
    const object = create()
    const same = open(structuredClone(object.toHandle()))
    expect(changeOf(object)).toEqual(stateSeenBy(same))
    expect(changeOf(same)).toEqual(stateSeenBy(object))
  })
})

test('the state of an object cannot be taken for an object, even if it looks like the head of one', () => {
  const counter = new ThreadSafeCounter()
  const { words, tag } = wordsUnder(counter)
  expect(counter.compareAndSet(0, words[tag] ?? 0)).toBe(true)
  const handle = counter.toHandle()
  expect(thrownBy(() => ThreadSafeCounter.fromHandle({ ...handle, index: handle.index + 1 }))).toMatchObject(refused)
})

test('a handle works in another thread, and the one that thread sends back works here', async () => {
  const [mutex, semaphore, counter] = [new Mutex(), new Semaphore(2), new ThreadSafeCounter(7)]
  const worker = await LockWorker.withObjects({ mutex, semaphore, counter })
  await worker.run('acquireSync', { name: 'mutex' })
  await worker.run('acquireSync', { name: 'semaphore' })
  await worker.run('incrementCounter', {
    name: 'counter',
    rounds: 1,
    marks: sharedWords(9),
    gate: sharedWords(1),
    parties: 1,
  })
  const handleOf = async (name: string) => (await worker.run('toHandle', { name })) as SharedObjectHandle
  expect(Mutex.fromHandle(await handleOf('mutex')).tryAcquire()).toBeUndefined()
  expect(Semaphore.fromHandle(await handleOf('semaphore')).availablePermits).toBe(1)
  expect(ThreadSafeCounter.fromHandle(await handleOf('counter')).getValue()).toBe(8)
})

test('a damaged handle is refused in another thread as well', async () => {
  const worker = await LockWorker.withObjects({})
  const handle = new Mutex().toHandle()
  for (const damaged of [
    { ...handle, index: 17 },
    { ...handle, buffer: new SharedArrayBuffer(65_536) },
  ])
    await expect(worker.run('open', { name: 'mutex', handle: damaged })).rejects.toMatchObject(refused)
})

test('every message makes a new object for the same memory, and the thread joins that memory once', async () => {
  const mutex = new Mutex()
  const { words } = wordsUnder(mutex)
  const before = bytesOf(words)
  for (let message = 0; message < 5; message++) {
    const handle = structuredClone(mutex.toHandle())
    expect(handle.buffer).not.toBe(mutex.toHandle().buffer)
    Mutex.fromHandle(handle)
  }
  expect(bytesOf(words).equals(before)).toBe(true)
})

function without(handle: SharedObjectHandle, field: keyof SharedObjectHandle): unknown {
  return Object.fromEntries(Object.entries(handle).filter(([name]) => name !== field))
}

function bytesOf(words: Int32Array): Buffer {
  return Buffer.from(words.slice().buffer)
}

const bufferOf = (handle: SharedObjectHandle) => handle.buffer as SharedArrayBuffer

/** A copy of the handle's memory that differs in one word. */
function memoryButFor(index: number, handle: SharedObjectHandle): SharedArrayBuffer {
  const words = sharedWords(bufferOf(handle).byteLength / Int32Array.BYTES_PER_ELEMENT)
  words.set(new Int32Array(bufferOf(handle)))
  words[index] = (words[index] ?? 0) + 1
  return words.buffer
}

type SharedObject = Mutex | Semaphore | ThreadSafeCounter

/** Changes the state of the object for good, and says what it is then. */
function changeOf(object: SharedObject): unknown {
  if (object instanceof ThreadSafeCounter) object.increment(3)
  else object.tryAcquire()
  return stateSeenBy(object)
}

function stateSeenBy(object: SharedObject): unknown {
  if (object instanceof ThreadSafeCounter) return object.getValue()
  if (object instanceof Semaphore) return object.availablePermits
  const guard = object.tryAcquire()
  guard?.release()
  return guard === undefined ? 'held' : 'free'
}
