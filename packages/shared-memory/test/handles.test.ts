import { fork } from 'node:child_process'
import { once } from 'node:events'
import { SharedArray, SharedValue } from '@heddle/shared-memory'
import { Mutex, Semaphore } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { badHandle, outcomeOf } from './support/outcome.js'

type Handle = Record<string, unknown>

const classes = [
  {
    name: 'SharedArray',
    other: new SharedValue('float64').toHandle(),
    handle: (): Handle => ({ ...new SharedArray('float64', 3).toHandle() }),
    open: (handle: unknown): unknown => SharedArray.fromHandle(handle as never),
  },
  {
    name: 'SharedValue',
    other: new SharedArray('float64', 1).toHandle(),
    handle: (): Handle => ({ ...new SharedValue('float64').toHandle() }),
    open: (handle: unknown): unknown => SharedValue.fromHandle(handle as never),
  },
]

describe.each(classes)('a handle of a $name', ({ name, other, handle, open }) => {
  test('is plain data that names its kind and version, and survives a structured clone', () => {
    const original = handle()
    expect(original).toMatchObject({ kind: `shared-memory/${name}`, version: 2, type: 'float64' })
    expect(Object.getPrototypeOf(original)).toBe(Object.prototype)
    expect(open(structuredClone(original))).toMatchObject({ type: 'float64' })
  })

  test('opens as often as one likes, each time on the same memory', () => {
    const shared = handle()
    const [first, second] = [open(shared), open(shared)] as [SharedArray, SharedArray]
    expect(first).not.toBe(second)
    expect(second.toHandle().buffer).toBe(first.toHandle().buffer)
  })

  test('opens from the registry that the packages share', () => {
    const kinds = (globalThis as unknown as Record<symbol, Map<string, { version: number; fromHandle: typeof open }>>)[
      Symbol.for('heddle.kinds')
    ]
    const kind = kinds?.get(`shared-memory/${name}`)
    expect(kind?.version).toBe(2)
    expect(kind?.fromHandle(handle())).toMatchObject({ type: 'float64' })
  })

  test('is refused when it is no handle of this class', () => {
    const lock = new Mutex().toHandle()
    for (const value of [undefined, null, 1, 'shared-memory', {}, [], () => 0, other, lock])
      expect(outcomeOf(() => open(value))).toEqual(badHandle)
  })

  test('is refused when any one field is missing or damaged', () => {
    const header = (word: number, value: number) => {
      const buffer = handle().buffer as SharedArrayBuffer
      new Int32Array(buffer)[word] = value
      return buffer
    }
    const buffer = handle().buffer as SharedArrayBuffer
    const longer = new SharedArrayBuffer(buffer.byteLength + 64)
    new Uint8Array(longer).set(new Uint8Array(buffer))
    const shorter = new SharedArrayBuffer(64)
    new Uint8Array(shorter).set(new Uint8Array(buffer, 0, 64))
    const damages: Record<string, unknown[]> = {
      kind: [undefined, 'SharedArray', 'shared-memory/SharedDict', 7],
      version: [undefined, 0, 1, 3, '2'],
      type: [undefined, 'd', 'int64', 'toString', 'bigint64', 'int32', 9],
      buffer: [
        undefined,
        null,
        {},
        new ArrayBuffer(128),
        { [Symbol.toStringTag]: 'SharedArrayBuffer', byteLength: 128 },
        new Float64Array(buffer),
        new SharedArrayBuffer(0),
        new SharedArrayBuffer(8),
        new SharedArrayBuffer(128),
        other.buffer,
        new Mutex().toHandle().buffer,
        longer,
        shorter,
        header(0, 0),
        header(1, 10),
        header(2, 2),
        header(3, 0),
      ],
      lock: [undefined, null, {}, new Semaphore().toHandle(), other, { ...new Mutex().toHandle(), index: 17 }],
      ...(name === 'SharedArray' && { length: [undefined, 0, 2, 4, -1, 3.5, '3', 3n, Number.NaN] }),
    }
    for (const [field, values] of Object.entries(damages))
      for (const value of values) expect(outcomeOf(() => open({ ...handle(), [field]: value }))).toEqual(badHandle)
    expect(outcomeOf(() => open(handle()))).not.toEqual(badHandle)
  })

  test('is refused after it went through JSON, with the reason', () => {
    const error = outcomeOf(() => open(JSON.parse(JSON.stringify(handle()))))
    expect(error).toEqual(badHandle)
    expect((error as Error).message).toMatch(/between threads, not between processes/)
  })

  test('that another process received is refused there', async () => {
    const child = fork(new URL('./fixtures/child.mjs', import.meta.url))
    child.send(handle() as never)
    const [[answer]] = await Promise.all([once(child, 'message'), once(child, 'exit')])
    expect(answer).toBe('ERR_BAD_HANDLE')
  })

  test('cannot be sent to a child process with advanced serialization, and the channel stays usable', async () => {
    const child = fork(new URL('./fixtures/child.mjs', import.meta.url), { serialization: 'advanced' })
    expect(() => child.send(handle() as never)).toThrow(/could not be cloned/)
    child.send({ kind: `shared-memory/${name}` })
    const [[answer]] = await Promise.all([once(child, 'message'), once(child, 'exit')])
    expect(answer).toBe('ERR_BAD_HANDLE')
  })
})
