import { once } from 'node:events'
import { BlockList } from 'node:net'
import { Worker } from 'node:worker_threads'
import {
  type Boundary,
  decodeValue,
  type Encoded,
  encodeValue,
  fromBytes,
  NotCloneableError,
  toBytes,
} from '@heddle/codec'
import { afterAll, describe, expect, test } from '@jest/globals'
import { OtherSide } from './support/routes.js'

const worker = OtherSide.worker()
afterAll(() => worker.close())

const boundaries: readonly Boundary[] = ['thread', 'process']

function refusalOf(value: unknown, boundary: Boundary): NotCloneableError {
  try {
    encodeValue(value, boundary)
  } catch (error) {
    if (error instanceof NotCloneableError) return error
    throw error
  }
  throw new Error('it was not refused')
}

function named(): void {}

function detached(): ArrayBuffer {
  const buffer = new ArrayBuffer(8)
  structuredClone(buffer, { transfer: [buffer] })
  return buffer
}

function detachedView(): Uint8Array {
  const view = new Uint8Array(8)
  structuredClone(view.buffer, { transfer: [view.buffer] })
  return view
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

function hostile(): never {
  throw new Error('a trap was run')
}

const refused: readonly (readonly [string, string, () => unknown])[] = [
  ['a function', 'the function named', () => named],
  ['a function without a name', 'a function', () => () => {}],
  ['a class', 'the function Foo', () => class Foo {}],
  ['a function with a name that is none', 'a function', () => Object.defineProperty(() => {}, 'name', { value: {} })],
  ['a symbol', 'Symbol(secret)', () => Symbol('secret')],
  ['a boxed symbol', 'a Symbol', () => Object(Symbol('secret'))],
  ['a promise', 'a Promise', () => Promise.resolve()],
  ['a WeakMap', 'a WeakMap', () => new WeakMap()],
  ['a WeakSet', 'a WeakSet', () => new WeakSet()],
  ['a WeakRef', 'a WeakRef', () => new WeakRef({})],
  ['a generator', 'a Generator', () => (function* () {})()],
  ['an async generator', 'an AsyncGenerator', () => (async function* () {})()],
  ['an iterator', 'an Array Iterator', () => [][Symbol.iterator]()],
  ['a formatter', 'an Intl.NumberFormat', () => new Intl.NumberFormat()],
  ['a Proxy of an object', 'a Proxy', () => new Proxy({}, {})],
  ['a Proxy of an array', 'a Proxy', () => new Proxy([], {})],
  ['a Proxy of an error', 'a Proxy', () => new Proxy(new Error('x'), {})],
  ['a Proxy of a function', 'a Proxy', () => new Proxy(named, {})],
  ['a Proxy that was revoked', 'a Proxy', revoked],
  [
    'a Proxy whose traps throw',
    'a Proxy',
    () => new Proxy({}, { get: hostile, getPrototypeOf: hostile, has: hostile, ownKeys: hostile }),
  ],
  ['a stream', 'a ReadableStream', () => new ReadableStream()],
  ['a buffer that was transferred away', 'a detached ArrayBuffer', detached],
  ['a view of a buffer that was transferred away', 'a view of a detached ArrayBuffer', detachedView],
]

describe.each(boundaries)('on the way to another %s', (boundary) => {
  test.each(refused)('%s is refused by name', (_name, what, make) => {
    const error = refusalOf(make(), boundary)
    expect(error.code).toBe('ERR_NOT_CLONEABLE')
    expect(error.name).toBe('NotCloneableError')
    expect(error.path).toBe('')
    expect(error.message).toBe(`the value is ${what}, which cannot be sent to another ${boundary}`)
  })

  test.each(refused)('%s deep inside is refused with its path', (_name, what, make) => {
    const error = refusalOf({ jobs: [0, { options: make() }] }, boundary)
    expect(error.path).toBe('.jobs[1].options')
    expect(error.message).toBe(`.jobs[1].options is ${what}, which cannot be sent to another ${boundary}`)
  })
})

/** Collections that do not show what they hold to those who ask politely. */
class ClosedMap extends Map<string, unknown> {
  override *[Symbol.iterator](): MapIterator<[string, unknown]> {}
  override *entries(): MapIterator<[string, unknown]> {}
}
class ClosedSet extends Set<unknown> {
  override *[Symbol.iterator](): SetIterator<unknown> {}
  override *values(): SetIterator<unknown> {}
}

const paths: readonly (readonly [string, unknown])[] = [
  ['[0]', [named]],
  ['[2][1]', Object.assign([1], { 2: [2, named] })],
  ['[4294967294]', Object.assign([], { 4294967294: named })],
  ['.extra', Object.assign([new Error('special')], { extra: named })],
  ['.onDone', { onDone: named }],
  ['.$_ż9', { $_ż9: named }],
  ['["on done"]', { 'on done': named }],
  ['["9a"]', { '9a': named }],
  ['["0"]', { 0: named }],
  ['[""]', { '': named }],
  ['["\\"\\n"]', { '"\n': named }],
  ['.__proto__.a', Object.defineProperty({}, '__proto__', { value: { a: named }, enumerable: true })],
  ['.constructor', { constructor: named }],
  [
    '.keys()[1]',
    new Map<unknown, unknown>([
      ['a', 1],
      [named, 2],
    ]),
  ],
  [
    '.values()[1]',
    new Map<unknown, unknown>([
      ['a', 1],
      ['b', named],
    ]),
  ],
  ['.values()[0].values()[0].keys()[0].a', new Map([['a', new Map([['b', new Map([[{ a: named }, 1]])]])]])],
  ['.values()[2]', new Set([1, 2, named])],
  ['.values()[0]', new ClosedMap([['a', named]])],
  ['.values()[0]', new ClosedSet([named])],
  [
    '.cause.errors[1].detail',
    new Error('a', { cause: new AggregateError([1, Object.assign(new Error('b'), { detail: named })]) }),
  ],
  [
    '.shared.f',
    (() => {
      const shared = { f: named }
      return { shared, again: shared }
    })(),
  ],
]

test.each(paths)('the path %s leads to what was refused', (path, value) => {
  expect(refusalOf(value, 'thread').path).toBe(path)
  expect(refusalOf([new Error('special'), value], 'thread').path).toBe(`[1]${path}`)
})

test('an array with traps for its iterator is read by its elements', () => {
  const array = Object.assign([named], { [Symbol.iterator]: hostile })
  expect(refusalOf(array, 'thread').path).toBe('[0]')
})

test('memory that threads share arrives as the same memory in a worker', async () => {
  const shared = new SharedArrayBuffer(8)
  const view = new Int32Array(shared, 4)
  const { value } = await worker.send({ shared, view, error: new Error('beside') })
  const back = value as { shared: SharedArrayBuffer; view: Int32Array }
  Atomics.store(view, 0, 42)
  expect(Atomics.load(back.view, 0)).toBe(42)
  expect(Atomics.load(new Int32Array(back.shared), 1)).toBe(42)
  expect(back.view.buffer).toBe(back.shared)
})

test.each([
  ['a SharedArrayBuffer', '', () => new SharedArrayBuffer(8)],
  ['a SharedArrayBuffer', '', () => new SharedArrayBuffer(0)],
  ['a view of a SharedArrayBuffer', '', () => new Int32Array(new SharedArrayBuffer(8))],
  ['a view of a SharedArrayBuffer', '', () => new DataView(new SharedArrayBuffer(8))],
  ['a view of a SharedArrayBuffer', '', () => Buffer.from(new SharedArrayBuffer(8))],
  [
    'a view of a SharedArrayBuffer',
    '.values()[0][1]',
    () => new Map([['a', [0, new Uint8Array(new SharedArrayBuffer(8))]]]),
  ],
  ['a SharedArrayBuffer', '.memory', () => Object.assign(new Error('x'), { memory: new SharedArrayBuffer(8) })],
])('%s at "%s" is refused on its way to another process, and so in bytes', (what, path, make) => {
  expect(() => encodeValue(make(), 'thread')).not.toThrow()
  expect(refusalOf(make(), 'process')).toMatchObject({ path, message: expect.stringContaining(what) })
  expect(() => toBytes(make())).toThrow(NotCloneableError)
})

test('a host object that threads can clone arrives as itself, also beside something special', async () => {
  const list = new BlockList()
  list.addAddress('127.0.0.1')
  const { value } = await worker.send([list, new Error('beside'), new Blob(['text'])])
  const [back, , blob] = value as [BlockList, Error, Blob]
  expect(back.check('127.0.0.1')).toBe(true)
  expect(await blob.text()).toBe('text')
})

test('a host object that no bytes can hold is refused with its path', () => {
  expect(refusalOf({ list: [new BlockList()] }, 'process').path).toBe('.list[0]')
  expect(refusalOf({ blob: new Blob(['text']) }, 'process').path).toBe('.blob')
})

test('arguments, which no clone takes, arrive as their fields', async () => {
  const sender = new Worker(
    `import('@heddle/codec').then(({ encodeValue }) => {
      const send = (value) => require('node:worker_threads').parentPort.postMessage(encodeValue(value, 'thread'))
      ;(function () { send(arguments) })('a', { b: 1 })
      ;(function () { send([arguments]) })(new TypeError('c'))
    })`,
    { eval: true },
  )
  const arrived: unknown[] = []
  sender.on('message', (encoded: Encoded) => arrived.push(decodeValue(encoded)))
  await once(sender, 'exit')
  expect(arrived).toMatchObject([{ 0: 'a', 1: { b: 1 } }, [{ 0: { name: 'TypeError', message: 'c' } }]])
})

test('the namespace of a module, which no clone takes, arrives as its fields', async () => {
  const namespace = await import('./support/namespace.js')
  expect((await worker.send(namespace)).value).toEqual({ answer: 42 })
})

test('what nests so deep that a reader might not have the stack for it is refused, as deep as that it arrives', () => {
  const nested = (depth: number): unknown => {
    let value: unknown = 'innermost'
    for (let level = 0; level < depth; level++) value = level % 2 ? [value] : { value }
    return value
  }
  expect(fromBytes(toBytes(nested(900)))).toEqual(nested(900))
  for (const depth of [1_100, 1_500])
    expect(() => toBytes(nested(depth))).toThrow(expect.objectContaining({ code: 'ERR_NOT_CLONEABLE' }))
})
