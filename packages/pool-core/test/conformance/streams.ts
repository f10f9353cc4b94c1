import { expect, test } from '@jest/globals'
import { Gate } from '../support/gate.js'
import { rejectionOf } from '../support/observe.js'
import type { Kit } from './kit.js'

async function all<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const read: Value[] = []
  for await (const value of values) read.push(value)
  return read
}

/** What came before the failure, and the failure. */
async function untilFailure(
  values: AsyncIterable<unknown>,
): Promise<[unknown[], Awaited<ReturnType<typeof rejectionOf>>]> {
  const read: unknown[] = []
  const error = await rejectionOf(
    (async () => {
      for await (const value of values) read.push(value)
    })(),
  )
  return [read, error]
}

export function streams({ createPool, sharedPool, tasks }: Kit): void {
  const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

  test.each([1, 2, 16, 1_000])(
    'the values of a generator come in their order, asynchronous or not, with highWaterMark %p',
    async (highWaterMark) => {
      const pool = sharedPool(1)
      const values: AsyncIterable<number> = pool.stream(tasks.countTo, [50], { highWaterMark })
      expect(await all(values)).toEqual(numbers(50))
      expect(await all(pool.stream(tasks.countAtOnce, [50], { highWaterMark }))).toEqual(numbers(50))
    },
  )

  test('whatever a task returns that can be iterated is streamed, and an empty one ends at once', async () => {
    const pool = sharedPool(1)
    expect(await all(pool.stream(tasks.list, ['a', 'b']))).toEqual(['a', 'b'])
    expect(await all(pool.stream(tasks.listLater, ['a', 'b', 'a']))).toEqual(['a', 'b'])
    expect(await all(pool.stream(tasks.list, []))).toEqual([])
    expect(await all(pool.stream(tasks.countTo, [0]))).toEqual([])
  })

  test('reads that do not wait for each other get the values in the order of the reads, and then the end, again and again', async () => {
    const stream = sharedPool(1).stream(tasks.countTo, [3])
    const reads = await Promise.all(numbers(5).map(() => stream.next()))
    expect(reads.map(({ value }) => value)).toEqual([0, 1, 2, undefined, undefined])
    expect(await stream.next()).toEqual({ done: true, value: undefined })
  })

  test('a worker is never more than highWaterMark values ahead of the reader', async () => {
    const pool = sharedPool(1)
    const other = createPool({ maxWorkers: 1 })
    const gate = new Gate()
    const [highWaterMark, count] = [4, 40]
    const stream = pool.stream(tasks.countOpenly, [gate.dir, count], { highWaterMark })
    let read = 0
    for await (const value of stream) {
      expect(value).toBe(read)
      read += 1
      // Long enough for a worker that does not wait.
      if (read === 1) await other.run(tasks.add, [1, 2])
      const ahead = gate.log().filter((label) => label !== 'closed').length - read
      expect(ahead).toBeLessThanOrEqual(highWaterMark)
    }
    expect(gate.log()).toEqual([...numbers(count).map(String), 'closed'])
  })

  test('a stream that nobody reads has not begun, and can be left', async () => {
    const pool = sharedPool(1)
    const gate = new Gate()
    const stream = pool.stream(tasks.countOpenly, [gate.dir, 3])
    await pool.run(tasks.add, [1, 2])
    expect(gate.log()).toEqual([])
    await stream.return?.()
    expect(await stream.next()).toEqual({ done: true, value: undefined })
    expect(gate.log()).toEqual([])
  })

  test('whoever leaves early closes the generator, its finally runs, and the worker stays', async () => {
    const pool = sharedPool(1)
    const gate = new Gate()
    const worker = await pool.run(tasks.worker, [])
    for await (const value of pool.stream(tasks.countOpenly, [gate.dir, 1_000_000], { highWaterMark: 2 }))
      if (value === 3) break
    await gate.begun('closed')
    expect(await pool.run(tasks.worker, [])).toBe(worker)
    expect(gate.log().length).toBeLessThan(12)
  })

  test('a reader that leaves a generator which does not come to its next value costs the worker, after abortGrace', async () => {
    const pool = createPool({ maxWorkers: 1, abortGrace: 50 })
    const worker = await pool.run(tasks.worker, [])
    for await (const value of pool.stream(tasks.stall, [])) {
      expect(value).toBe('first')
      break
    }
    expect(await pool.run(tasks.worker, [])).not.toBe(worker)
  })

  test('an error in the middle comes behind the values before it, and once', async () => {
    const pool = sharedPool(1)
    const worker = await pool.run(tasks.worker, [])
    const stream = pool.stream(tasks.countAndFail, [5], { highWaterMark: 8 })
    const [read, error] = await untilFailure(stream)
    expect(read).toEqual(numbers(5))
    expect(error).toMatchObject({ name: 'RangeError', message: 'no more', code: 'E_MIDWAY' })
    expect(await stream.next()).toEqual({ done: true, value: undefined })
    expect(await pool.run(tasks.worker, [])).toBe(worker)
  })

  test('a value that cannot be sent fails the stream with its path, and closes the generator', async () => {
    const pool = sharedPool(1)
    const gate = new Gate()
    const [read, error] = await untilFailure(pool.stream(tasks.giveUncloneable, [gate.dir]))
    expect(read).toEqual([1])
    expect([error.code, error.path]).toEqual(['ERR_NOT_CLONEABLE', '.callback'])
    await gate.begun('closed')
  })

  test('run() of a generator is refused with a hint, submitted or mapped as well, and the worker stays', async () => {
    const pool = sharedPool(1)
    const worker = await pool.run(tasks.worker, [])
    const id = await pool.submitTask(tasks.countTo, [3])
    for (const refused of [
      pool.run(tasks.countTo, [3]),
      pool.run(tasks.countAtOnce, [3]),
      pool.getTaskResult(id),
      pool.map(tasks.countTo, [3]).toArray(),
    ]) {
      const error = await rejectionOf(refused)
      expect([error.name, error.code]).toEqual(['TypeError', 'ERR_INVALID_ARG'])
      expect(error.message).toContain('stream()')
    }
    expect(await pool.run(tasks.worker, [])).toBe(worker)
  })

  test('stream() of what cannot be iterated is refused, a string included', async () => {
    const pool = sharedPool(1)
    const asStream = (task: unknown, args: unknown[]) => pool.stream(task as typeof tasks.list, args as string[])
    for (const stream of [asStream(tasks.add, [1, 2]), asStream(tasks.echo, [null]), asStream(tasks.echo, ['text'])]) {
      const [read, error] = await untilFailure(stream)
      expect([read, error.name, error.code]).toEqual([[], 'TypeError', 'ERR_INVALID_ARG'])
      expect(error.message).toContain('iterable')
    }
  })

  test('a timeout ends a stream behind the values that came, and so does a signal, with its very reason', async () => {
    const pool = createPool({ maxWorkers: 1, abortGrace: 50 })
    const begun = performance.now()
    const [read, error] = await untilFailure(pool.stream(tasks.stall, [], { timeout: 300 }))
    expect(performance.now() - begun).toBeGreaterThanOrEqual(300)
    expect([read, error.code]).toEqual([['first'], 'ERR_TIMEOUT'])
    const controller = new AbortController()
    const stream = pool.stream(tasks.stall, [], { signal: controller.signal })
    expect(await stream.next()).toEqual({ done: false, value: 'first' })
    const reason = { mine: true }
    const next = rejectionOf(stream.next())
    controller.abort(reason)
    expect(await next).toBe(reason)
    expect(await pool.run(tasks.add, [1, 2])).toBe(3)
  })

  test('a worker that ends in the middle fails the stream behind the values that came', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const [read, error] = await untilFailure(pool.stream(tasks.countAndExit, [3], { highWaterMark: 8 }))
    expect(read).toEqual([0, 1, 2])
    expect(error).toMatchObject({ code: 'ERR_WORKER_CRASHED', exitCode: 6 })
  })

  test('the end of the pool ends a stream', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const stream = pool.stream(tasks.stall, [])
    expect((await stream.next()).value).toBe('first')
    const next = rejectionOf(stream.next())
    await pool.terminate()
    expect((await next).code).toBe('ERR_CLOSED')
    expect((await rejectionOf(pool.stream(tasks.stall, []).next())).code).toBe('ERR_CLOSED')
  })
}
