import { decodeValue, encodeValue, fromBytes, NotCloneableError, toBytes } from '@heddle/codec'
import { Mutex, ThreadSafeCounter } from '@heddle/sync-primitives'
import { afterAll, describe, expect, test } from '@jest/globals'
import { fingerprint } from './support/fingerprint.js'
import { OtherSide, sameThread } from './support/routes.js'
import { Box, Token } from './support/shared.js'

const worker = OtherSide.worker()
const child = OtherSide.child()
afterAll(() => Promise.all([worker.close(), child.close()]))

const routes = [...sameThread, worker, child]

class Order {
  readonly token = new Token('in a class')
  readonly lines = [new Token('in a list of a class')]
}

const places: readonly (readonly [string, () => unknown])[] = [
  ['alone', () => new Token('a')],
  ['in an array', () => Object.assign([1, new Token('a')], { 3: new Token('b') })],
  ['in an object', () => ({ a: { b: new Token('a') } })],
  ['as a key of a map', () => new Map([[new Token('k'), 1]])],
  ['as a value of a map', () => new Map([[1, new Token('v')]])],
  ['as key and value of one entry', () => new Map([[new Token('k'), new Token('v')]])],
  ['in a set', () => new Set([new Token('a'), 1, new Token('b')])],
  ['in an error', () => Object.assign(new Error('x', { cause: new Token('c') }), { token: new Token('f') })],
  ['in an AggregateError', () => new AggregateError([new Token('a'), new Error('b')])],
  [
    'under the key __proto__',
    () => Object.defineProperty({}, '__proto__', { value: new Token('a'), enumerable: true }),
  ],
  ['under a name of an array', () => Object.assign([new Token('a')], { extra: new Token('b') })],
]

describe.each(routes)('over $name', (route) => {
  test.each(places)('a shared object %s arrives as that object', async (_name, make) => {
    const { value, seen } = await route.send(make())
    expect(seen).toBe(fingerprint(make()))
    expect(fingerprint(value)).toBe(fingerprint(make()))
  })

  test('a shared object in a class, or in an object without a prototype, arrives in an object with the same fields', async () => {
    const fields = { token: new Token('in a class'), lines: [new Token('in a list of a class')] }
    expect((await route.send(new Order())).seen).toBe(fingerprint(fields))
    expect((await route.send(Object.assign(Object.create(null), fields))).seen).toBe(fingerprint(fields))
  })

  test('one shared object at many places arrives as one', async () => {
    const token = new Token('one')
    const error = Object.assign(new Error('x', { cause: token }), { token })
    const value = { list: [token, token], map: new Map([[token, token]]), set: new Set([token]), error }
    expect((await route.send(value)).seen).toBe(fingerprint(value))
  })

  test('a shared object keeps its place among the keys of a map and the members of a set', async () => {
    const value = [
      new Map<unknown, unknown>([
        [1, 1],
        [new Token('a'), 2],
        [3, 3],
      ]),
      new Set([1, new Token('b'), 3]),
    ]
    expect((await route.send(value)).seen).toBe(fingerprint(value))
  })

  test("a handle sent as data stays data, and so does an object that looks like somebody's", async () => {
    const value = [
      new Token('live'),
      new Token('a').toHandle(),
      { kind: 'codec-test/Token' },
      { toHandle: 'no function' },
    ]
    expect((await route.send(value)).seen).toBe(fingerprint(value))
    const plain = value.slice(1)
    expect((await route.send(plain)).seen).toBe(fingerprint(plain))
  })

  test('a shared object made on the spot travels as well', async () => {
    const { value } = await route.send({ maker: { toHandle: () => new Token('a').toHandle() } })
    expect(fingerprint(value)).toBe(fingerprint({ maker: new Token('a') }))
  })
})

test('what a worker does with a shared object is seen here', async () => {
  const box = new Box()
  const { value } = await worker.send(box, 'increment')
  expect(box.value).toBe(1)
  expect((value as Box).increment()).toBe(2)
  expect(box.value).toBe(2)
})

test('the shared objects of the family enter their kinds by themselves', async () => {
  const [counter, mutex] = [new ThreadSafeCounter(), new Mutex()]
  const [back, sameMutex] = (await worker.send([counter, mutex])).value as [ThreadSafeCounter, Mutex]
  back.increment()
  expect(counter.getValue()).toBe(1)
  using _guard = sameMutex.acquireSync()
  expect(mutex.tryAcquire()).toBeUndefined()
})

test('a shared object whose memory is of this process is refused on its way to another, with the path into its handle', () => {
  const value = { jobs: [new Box()], error: new Error('beside') }
  for (const attempt of [() => encodeValue(value, 'process'), () => toBytes(value)]) {
    expect(attempt).toThrow(NotCloneableError)
    expect(attempt).toThrow(expect.objectContaining({ path: '.jobs[0].toHandle().words' }))
  }
})

test.each([
  ['codec-unknown/Lock', '@heddle/codec-unknown'],
  ['shared-memory/SharedDict', '@heddle/shared-memory'],
])('the unknown kind %s is refused, and the message names %s', (kind, name) => {
  const value = [{ toHandle: () => ({ kind }) }]
  const refusal = expect.objectContaining({
    name: 'TypeError',
    code: 'ERR_BAD_HANDLE',
    message: expect.stringContaining(name),
  })
  expect(() => decodeValue(structuredClone(encodeValue(value, 'thread')))).toThrow(refusal)
  expect(() => fromBytes(toBytes(value))).toThrow(refusal)
})

test('a worker that does not know a kind says which package to import', async () => {
  const kind = 'codec-here/Only'
  await expect(worker.send([{ toHandle: () => ({ kind }) }])).rejects.toMatchObject({
    name: 'TypeError',
    code: 'ERR_BAD_HANDLE',
    message: expect.stringContaining('import @heddle/codec-here'),
  })
})

test.each(['__proto__', 'constructor', 'toString', ''])('the kind "%s" is an unknown one', (kind) => {
  const encoded = encodeValue({ toHandle: () => ({ kind }) }, 'thread')
  expect(() => decodeValue(encoded)).toThrow(expect.objectContaining({ code: 'ERR_BAD_HANDLE' }))
})

test('a handle that its kind refuses is ERR_BAD_HANDLE', () => {
  const value = { toHandle: () => ({ kind: 'codec-test/Token', id: 7 }) }
  expect(() => fromBytes(toBytes(value))).toThrow(expect.objectContaining({ code: 'ERR_BAD_HANDLE' }))
})

test('a kind that is entered after an attempt is found at the next', () => {
  const encoded = encodeValue([{ toHandle: () => ({ kind: 'codec-late/Token' }) }], 'thread')
  const again = structuredClone(encoded)
  expect(() => decodeValue(encoded)).toThrow(expect.objectContaining({ code: 'ERR_BAD_HANDLE' }))
  const kinds = (globalThis as unknown as Record<symbol, Map<string, object>>)[Symbol.for('heddle.kinds')]
  kinds?.set('codec-late/Token', { version: 1, fromHandle: () => new Token('late') })
  expect(fingerprint(decodeValue(again))).toBe(fingerprint([new Token('late')]))
})

test.each([
  ['nothing', undefined],
  ['a number', 7],
  ['an object without a kind', {}],
  ['an object with a number for a kind', { kind: 1 }],
  ['a list', ['kind']],
])('an object whose toHandle() gives %s is refused with its path', (_name, handle) => {
  const message = expect.stringContaining('an object whose toHandle() gives no handle')
  expect(() => encodeValue({ socket: { toHandle: () => handle } }, 'thread')).toThrow(
    expect.objectContaining({ code: 'ERR_NOT_CLONEABLE', path: '.socket', message }),
  )
})

test('a handle that holds what cannot be sent is refused with the path into it', () => {
  const value = [{ toHandle: () => ({ kind: 'codec-test/Token', deep: { id: () => 1 } }) }]
  expect(() => encodeValue(value, 'thread')).toThrow(expect.objectContaining({ path: '[0].toHandle().deep.id' }))
})

test('a handle that holds a shared object or an error is refused: handles are data', () => {
  for (const inner of [new Token('a'), new Error('x')])
    expect(() => encodeValue([{ toHandle: () => ({ kind: 'codec-test/Token', inner }) }], 'thread')).toThrow(
      expect.objectContaining({ code: 'ERR_NOT_CLONEABLE', path: '[0]' }),
    )
})

test('what toHandle throws comes out of the call', () => {
  const closed = Object.assign(new Error('closed'), { code: 'ERR_CLOSED' })
  const value = {
    toHandle(): never {
      throw closed
    },
  }
  expect(() => encodeValue([value], 'thread')).toThrow(closed)
})

test('a class of a built-in kind that has toHandle is a shared object first', async () => {
  class SharedMap extends Map<string, number> {
    toHandle(): object {
      return new Token('map').toHandle()
    }
  }
  class SharedList extends Array<number> {
    toHandle(): object {
      return new Token('list').toHandle()
    }
  }
  const value = [new SharedMap([['a', 1]]), new SharedList()]
  const expected = fingerprint([new Token('map'), new Token('list')])
  for (const route of routes) expect((await route.send(value)).seen).toBe(expected)
})
