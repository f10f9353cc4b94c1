import { readFileSync } from 'node:fs'
import { encodeValue, NotCloneableError, RemoteError } from '@heddle/codec'
import { afterAll, describe, expect, test } from '@jest/globals'
import { fingerprint } from './support/fingerprint.js'
import { OtherSide, sameThread } from './support/routes.js'

const worker = OtherSide.worker()
const child = OtherSide.child()
afterAll(() => Promise.all([worker.close(), child.close()]))

const routes = [...sameThread, worker, child]

class HttpError extends Error {
  readonly status: number
  readonly headers = new Map([['retry-after', '1']])
  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
  get code(): string {
    return `ERR_HTTP_${this.status}`
  }
  static {
    HttpError.prototype.name = 'HttpError'
  }
}

/** An error of the kind made before there were classes. */
function TokenExpired(this: Error, message: string): void {
  this.message = message
}
TokenExpired.prototype = Object.create(Error.prototype, { name: { value: 'TokenExpired' } })
const OldError = TokenExpired as unknown as new (message: string) => Error

function systemError(): Error {
  try {
    readFileSync('/no/such/file')
  } catch (error) {
    return error as Error
  }
  throw new Error('there is such a file')
}

const builtIn = [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError]

function received(value: unknown): Error & Record<string, unknown> {
  return value as Error & Record<string, unknown>
}

describe.each(routes)('over $name', (route) => {
  test.each(builtIn)('%p arrives as its own class, with its message and stack', async (Class) => {
    const original = new Class('the message')
    const { value, facts } = await route.send(original)
    const error = received(value)
    expect(error).toBeInstanceOf(Class)
    expect(Object.getPrototypeOf(error)).toBe(Class.prototype)
    expect(error).toMatchObject({ name: Class.name, message: 'the message' })
    expect(error.stack).toBe(original.stack)
    expect(Object.keys(error)).toEqual([])
    expect(facts).toMatchObject({ instanceOf: [...new Set(['Error', Class.name])], text: String(original) })
  })

  test('an error of a class of its own arrives as an Error with its name, code and fields', async () => {
    const { value, facts } = await route.send(new HttpError(503, 'busy'))
    const error = received(value)
    expect(Object.getPrototypeOf(error)).toBe(Error.prototype)
    expect(error).toMatchObject({ name: 'HttpError', message: 'busy', code: 'ERR_HTTP_503', status: 503 })
    expect(error.headers).toEqual(new Map([['retry-after', '1']]))
    expect(Object.keys(error).sort()).toEqual(['code', 'headers', 'status'])
    expect(facts).toMatchObject({ instanceOf: ['Error'], text: 'HttpError: busy' })
  })

  test('an error made before there were classes arrives as an Error', async () => {
    const { value } = await route.send(new OldError('too late'))
    expect(value).toBeInstanceOf(Error)
    expect(value).toMatchObject({ name: 'TokenExpired', message: 'too late' })
  })

  test("an error of Node's own arrives with all that says what happened", async () => {
    const { value } = await route.send(systemError())
    expect(value).toMatchObject({ name: 'Error', code: 'ENOENT', syscall: 'open', path: '/no/such/file' })
    expect(received(value).errno).toBe(received(systemError()).errno)
  })

  test('causes arrive as deep as they go, hidden from the keys', async () => {
    const original = new HttpError(500, 'outer', {
      cause: new RangeError('middle', { cause: { reason: new URIError('inner') } }),
    })
    const { value, seen } = await route.send(original)
    const expected = 'Error "HttpError" "outer" {"cause":#1 "code":"ERR_HTTP_500" "headers":#2 "status":500}'
    expect(seen.split('\n')[1]).toBe(`#0 ${expected}`)
    expect(Object.keys(received(value))).not.toContain('cause')
    const { cause } = received(value)
    expect(cause).toBeInstanceOf(RangeError)
    expect((cause as { cause: { reason: unknown } }).cause.reason).toBeInstanceOf(URIError)
  })

  test.each([[undefined], [null], ['text'], [0], [[1]]])('the cause %p arrives as it is', async (cause) => {
    const { value } = await route.send(new Error('outer', { cause }))
    expect(Object.hasOwn(received(value), 'cause')).toBe(true)
    expect(received(value).cause).toEqual(cause)
  })

  test('an error without a cause arrives without one', async () => {
    const { value } = await route.send(new Error('alone'))
    expect('cause' in received(value)).toBe(false)
  })

  test('causes and fields that go in circles arrive so', async () => {
    const a = Object.assign(new Error('a'), { list: [] as unknown[], self: undefined as unknown })
    const b = new TypeError('b', { cause: a })
    Object.assign(a, { cause: b, self: a })
    a.list.push(a, b, a.list)
    const { value, seen } = await route.send(a)
    expect(seen).toBe(fingerprint(a))
    expect(fingerprint(value)).toBe(fingerprint(a))
  })

  test('an AggregateError arrives with its members, errors or not', async () => {
    const shared = new TypeError('member')
    const original = new AggregateError([shared, 5, null, 'text', { inner: shared }, shared], 'many')
    const { value, seen, facts } = await route.send(original)
    expect(value).toBeInstanceOf(AggregateError)
    expect(seen).toBe(fingerprint(original))
    expect(Object.keys(received(value))).toEqual([])
    expect(facts.instanceOf).toEqual(['Error', 'AggregateError'])
  })

  test('one error at many places arrives as one', async () => {
    const error = new Error('one')
    const value = {
      list: [error, error],
      map: new Map([[error, new Set([error])]]),
      holder: new RangeError('x', { cause: error }),
    }
    expect((await route.send(value)).seen).toBe(fingerprint(value))
  })

  test('a DOMException arrives with its name and its code', async () => {
    const { value } = await route.send(new DOMException('stop', 'AbortError'))
    expect(value).toBeInstanceOf(Error)
    expect(value).toMatchObject({ name: 'AbortError', message: 'stop', code: 20 })
  })

  test('fields under odd keys arrive as fields', async () => {
    const original = Object.assign(new Error('odd'), { constructor: 1, toLocaleString: 'x', '': 2 })
    Object.defineProperty(original, '__proto__', { value: { polluted: 1 }, enumerable: true })
    const { value, seen, facts } = await route.send(original)
    expect(seen).toBe(fingerprint(original))
    expect(Object.getPrototypeOf(value)).toBe(Error.prototype)
    expect(facts.polluted).toBe(false)
  })

  test('a field called name or message is text, whatever it was', async () => {
    const original = Object.assign(new Error('x'), { name: { toString: () => 'odd name' }, message: 7 })
    expect((await route.send(original)).value).toMatchObject({ name: 'odd name', message: '7' })
  })

  test('an error with an empty name keeps it', async () => {
    const { value } = await route.send(Object.assign(new Error(''), { name: '' }))
    expect(value).toMatchObject({ name: '', message: '' })
  })

  test.each([
    ['has a name that is no text at all', { name: Object.create(null) }, { name: 'Error' }],
    ['has no name', { name: undefined }, { name: 'Error' }],
    ['has no message', { message: undefined }, { message: '' }],
    ['has a symbol for a message', { message: Symbol('s') }, { message: 'Symbol(s)' }],
    ['has an object for a stack', { stack: { frames: 1 } }, { stack: undefined }],
  ])('an error that %s arrives all the same', async (_what, odd, expected) => {
    const { value } = await route.send(Object.assign(new Error('x'), odd))
    expect(value).toBeInstanceOf(Error)
    expect(value).toMatchObject(expected)
  })

  test('a frozen error arrives', async () => {
    const { value } = await route.send(Object.freeze(new HttpError(404, 'gone')))
    expect(value).toMatchObject({ name: 'HttpError', code: 'ERR_HTTP_404' })
  })

  test('methods of an error stay behind', async () => {
    const original = Object.defineProperty(new Error('x'), 'retry', { value: () => 1, enumerable: false })
    const { value } = await route.send(Object.assign(original, { toString: () => 'mine', detail: 1 }))
    expect(Object.keys(received(value))).toEqual(['detail'])
    expect(String(value)).toBe('Error: x')
  })

  test("the package's own errors arrive with name, code and fields", async () => {
    const refusal = new NotCloneableError('.a', 'a function', 'thread')
    expect((await route.send(refusal)).value).toMatchObject({
      name: 'NotCloneableError',
      code: 'ERR_NOT_CLONEABLE',
      path: '.a',
      message: refusal.message,
    })
    const { value } = await route.send(new RemoteError('x'))
    expect(value).toMatchObject({ name: 'RemoteError', code: 'ERR_REMOTE' })
  })
})

test('a name taken from the language makes no other class', async () => {
  for (const name of ['constructor', '__proto__', 'Object', 'Function', 'toString', 'InternalError']) {
    const { value } = await worker.send(Object.assign(new Error('x'), { name }))
    expect(Object.getPrototypeOf(value)).toBe(Error.prototype)
    expect(value).toMatchObject({ name })
  }
})

test('a field of an error that cannot be sent is refused with its path, and code on the prototype too', () => {
  class Odd extends Error {
    get code(): symbol {
      return Symbol('code')
    }
  }
  const withCallback = Object.assign(new Error('x'), { callback() {} })
  expect(() => encodeValue([withCallback], 'thread')).toThrow(expect.objectContaining({ path: '[0].callback' }))
  expect(() => encodeValue(new Odd('x'), 'thread')).toThrow(expect.objectContaining({ path: '.code' }))
  const withCause = new Error('x', { cause: () => {} })
  expect(() => encodeValue(withCause, 'thread')).toThrow(expect.objectContaining({ path: '.cause' }))
})

test('the error that was sent is left as it was', () => {
  const error = Object.assign(new AggregateError([new Error('a')], 'x', { cause: [1] }), { code: 'E' })
  const before = [fingerprint(error), JSON.stringify(Object.getOwnPropertyDescriptors(error))]
  encodeValue(error, 'thread')
  expect([fingerprint(error), JSON.stringify(Object.getOwnPropertyDescriptors(error))]).toEqual(before)
})
