import { type Boundary, encodeThrown, toBytes } from '@heddle/codec'
import { afterAll, describe, expect, test } from '@jest/globals'
import { fingerprint } from './support/fingerprint.js'
import { catchOf, OtherSide } from './support/routes.js'
import { Box, Token } from './support/shared.js'

const worker = OtherSide.worker()
afterAll(() => worker.close())

const boundaries: readonly Boundary[] = ['thread', 'process']

function named(): void {}

function fail(): never {
  throw new Error('a getter was run')
}

const hostileTraps = { get: fail, has: fail, getPrototypeOf: fail, ownKeys: fail, getOwnPropertyDescriptor: fail }

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

class Closed {
  toHandle(): never {
    throw new Error('it was closed')
  }
}

/** Without stacks: a thousand of them take the test runner a second. */
function nested(levels: number, wrap: (inner: unknown) => unknown): unknown {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  let deep: unknown = 'innermost'
  for (let level = 0; level < levels; level += 1) deep = wrap(deep)
  Error.stackTraceLimit = stackTraceLimit
  return deep
}

describe.each(boundaries)('thrown on the way to another %s', (boundary) => {
  test.each([[undefined], [null], ['text'], [''], [0], [-0], [Number.NaN], [5n], [false]])(
    '%p arrives as it is',
    (thrown) => {
      expect(Object.is(catchOf(thrown, boundary), thrown)).toBe(true)
    },
  )

  test.each([
    ['an object', { reason: 'r', list: [1] }],
    ['an array', [1, [2]]],
    ['a map', new Map([['a', 1]])],
    ['an error', Object.assign(new RangeError('x', { cause: new Error('y') }), { code: 'E' })],
    ['a shared object', new Token('t')],
  ])('%s arrives as encodeValue would send it', (_name, thrown) => {
    expect(fingerprint(catchOf(thrown, boundary))).toBe(fingerprint(thrown))
  })

  test.each([
    ['a function', named, 'the function named'],
    ['a function whose name cannot be read', Object.defineProperty(() => {}, 'name', { get: fail }), 'an object'],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
    ['a promise', Promise.resolve(), 'a Promise'],
    ['a Proxy', new Proxy(new Error('x'), {}), 'a Proxy'],
    ['a Proxy whose traps throw', new Proxy({}, hostileTraps), 'a Proxy'],
    ['a Proxy of a function whose traps throw', new Proxy(named, hostileTraps), 'a Proxy'],
    ['a Proxy that was revoked', revoked(), 'a Proxy'],
    [
      'an object whose tag cannot be read',
      {
        __proto__: {
          get [Symbol.toStringTag]() {
            return fail()
          },
        },
      },
      'an object',
    ],
    [
      'an object whose toHandle cannot be read',
      {
        get toHandle() {
          return fail()
        },
      },
      'an Object',
    ],
    ['a shared object that was closed', new Closed(), 'an Object'],
  ])('%s arrives as a RemoteError that says so', (_name, thrown, what) => {
    expect(catchOf(thrown, boundary)).toMatchObject({
      name: 'RemoteError',
      code: 'ERR_REMOTE',
      message: `${what} was thrown, which cannot be sent`,
    })
  })

  test('what cannot be sent inside an error is described, and the rest arrives', () => {
    const error = Object.assign(new TypeError('x', { cause: named }), {
      code: 'E',
      socket: new Proxy({}, hostileTraps),
      list: [1, Symbol('s'), { promise: Promise.resolve() }],
      map: new Map<unknown, unknown>([[named, named]]),
      set: new Set([named]),
      closed: new Closed(),
      last: 'last',
    })
    const described = '[the function named, which could not be sent]'
    const expected = Object.assign(new TypeError('x', { cause: described }), {
      code: 'E',
      socket: '[a Proxy, which could not be sent]',
      list: [1, '[Symbol(s), which could not be sent]', { promise: '[a Promise, which could not be sent]' }],
      map: new Map([[described, described]]),
      set: new Set([described]),
      closed: '[could not be read, nor sent]',
      last: 'last',
    })
    expect(fingerprint(catchOf(error, boundary))).toBe(fingerprint(expected))
  })

  test('members of an AggregateError that cannot be sent are described', () => {
    const error = catchOf(new AggregateError([new RangeError('a'), named], 'many'), boundary) as AggregateError
    expect(error.errors).toMatchObject([{ name: 'RangeError' }, '[the function named, which could not be sent]'])
  })

  test('a getter that throws takes nothing but its own field away', () => {
    const error = Object.defineProperty(Object.assign(new Error('kept'), { before: 1 }), 'broken', {
      get: fail,
      enumerable: true,
    })
    Object.defineProperty(
      Object.assign(error, {
        after: {
          get inner() {
            return fail()
          },
          beside: 2,
        },
      }),
      'code',
      { get: fail },
    )
    expect(catchOf(error, boundary)).toMatchObject({
      message: 'kept',
      before: 1,
      broken: '[could not be read, nor sent]',
      code: '[could not be read, nor sent]',
      after: { inner: '[could not be read, nor sent]', beside: 2 },
    })
  })

  test.each([
    ['name', { name: 'Error', message: 'kept' }],
    ['message', { name: 'Error', message: '' }],
    ['stack', { message: 'kept', stack: undefined }],
    ['code', { message: 'kept' }],
    ['cause', { message: 'kept', cause: '[could not be read, nor sent]' }],
  ])('an error whose own %s throws arrives with the rest', (key, expected) => {
    const error = Object.defineProperty(new Error('kept'), key, { get: fail })
    expect(catchOf(error, boundary)).toMatchObject(expected)
    expect(catchOf(error, boundary)).toBeInstanceOf(Error)
  })

  test('an error whose class has getters that throw arrives with the rest', () => {
    class Hostile extends Error {
      override get name(): string {
        return fail()
      }
      get code(): string {
        return fail()
      }
    }
    expect(catchOf(new Hostile('kept'), boundary)).toMatchObject({ name: 'Error', message: 'kept' })
  })

  test('an object whose getters throw arrives with the rest', () => {
    const thrown = {
      get a() {
        return fail()
      },
      b: 1,
    }
    expect(catchOf(thrown, boundary)).toEqual({ a: '[could not be read, nor sent]', b: 1 })
  })

  test('causes that go in circles arrive so', () => {
    const error = new Error('a')
    Object.assign(error, { cause: new Error('b', { cause: error }) })
    expect(fingerprint(catchOf(error, boundary))).toBe(fingerprint(error))
  })

  test.each([
    ['objects', (inner: unknown) => ({ inner })],
    ['arrays', (inner: unknown) => [inner]],
    ['maps', (inner: unknown) => new Map([[1, inner]])],
    ['sets', (inner: unknown) => new Set([inner])],
    ['causes', (cause: unknown) => new Error('x', { cause })],
    ['classes', (inner: unknown) => Object.assign(new (class Wrapper {})(), { inner })],
  ])('%s nested 3,000 deep are cut where every serialiser can still follow', (_name, wrap) => {
    const deep = nested(3_000, wrap)
    const error = new Error('outer', { cause: deep })
    expect(() => toBytes(encodeThrown(error, boundary))).not.toThrow()
    expect(() => toBytes(encodeThrown(deep, boundary))).not.toThrow()
    expect(fingerprint(catchOf(error, boundary))).toContain('[nested too deep to be sent]')
    expect(catchOf(error, boundary)).toMatchObject({ message: 'outer' })
  })

  test('causes 400 deep arrive whole', () => {
    const error = nested(400, (cause) => new Error('x', { cause }))
    expect(fingerprint(catchOf(error, boundary))).toBe(fingerprint(error))
  })
})

test('a shared object whose memory cannot leave the process is described in what was thrown to another one', () => {
  const box = new Box()
  const error = Object.assign(new Error('kept'), { box, again: box, memory: new SharedArrayBuffer(1) })
  const described = '[a shared object of kind codec-test/Box, which could not be sent]'
  const encoded = encodeThrown(error, 'process')
  expect(() => toBytes(encoded)).not.toThrow()
  expect(catchOf(error, 'process')).toMatchObject({
    message: 'kept',
    box: described,
    again: described,
    memory: '[a SharedArrayBuffer, which could not be sent]',
  })
})

test('a shared object between threads arrives in what was thrown', () => {
  const box = new Box()
  const error = catchOf(Object.assign(new Error('x'), { box, again: box })) as Error & { box: Box; again: Box }
  box.increment()
  expect(error.box).toBeInstanceOf(Box)
  expect(error.box.value).toBe(1)
  expect(error.again).toBe(error.box)
})

test('what a worker throws arrives here as it was thrown there', async () => {
  const error = Object.assign(new RangeError('far', { cause: [new TypeError('why')] }), { code: 'E_FAR' })
  const arrived = await worker.throwThere(error)
  expect(arrived).toBeInstanceOf(RangeError)
  expect(fingerprint(arrived)).toBe(fingerprint(error))
  for (const thrown of [undefined, null, 'text', 7, { a: 1 }])
    expect(fingerprint(await worker.throwThere(thrown))).toBe(fingerprint(thrown))
})

test('what was thrown is left as it was', () => {
  const error = Object.freeze(Object.assign(new Error('x', { cause: named }), { list: [named] }))
  encodeThrown(error, 'thread')
  expect(error.cause).toBe(named)
  expect(error.list).toEqual([named])
})
