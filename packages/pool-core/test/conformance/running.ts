import { threadId } from 'node:worker_threads'
import { expect, test } from '@jest/globals'
import { Gate } from '../support/gate.js'
import { rejectionOf, turnsOfTheLoop } from '../support/observe.js'
import type { Kit } from './kit.js'

export function running({ sharedPool, tasks, what }: Kit): void {
  const here = `${process.pid}/${threadId}`

  test('run resolves with what the task returns, in the type that the task declares', async () => {
    const pool = sharedPool(1)
    const sum: number = await pool.run(tasks.add, [1, 2])
    expect(sum).toBe(3)
    const text: string = await pool.run(tasks.shown, ['text'])
    expect(text).toBe("'text'")
    expect(await pool.run(tasks.echo, [undefined])).toBeUndefined()
    // @ts-expect-error: add takes numbers, and the types say so; at run time nobody looks
    expect(await pool.run(tasks.add, ['1', 2])).toBe('12')
  })

  test('an async task resolves with what its promise resolves with', async () => {
    const pool = sharedPool(1)
    const sum: number = await pool.run(tasks.addLater, [20, 22])
    expect(sum).toBe(42)
  })

  test('a task that is called directly runs here, as the function that it was made of', async () => {
    expect(tasks.add(1, 2)).toBe(3)
    expect(await tasks.addLater(1, 2)).toBe(3)
    expect(tasks.worker()).toBe(here)
    expect(tasks.worker.name).toBe('worker')
    expect(() => tasks.fail('builtIn')).toThrow('too far')
  })

  test(`a task runs in a ${what} of its own, and tasks one by one are all served by that one`, async () => {
    const pool = sharedPool(2)
    const workers = new Set<string>()
    for (let round = 0; round < 10; round++) workers.add(await pool.run(tasks.worker, []))
    expect(workers.size).toBe(1)
    expect(workers).not.toContain(here)
  })

  test('values of every cloneable kind arrive as what they were, there and back', async () => {
    const pool = sharedPool(1)
    const values = {
      map: new Map<unknown, unknown>([[{ key: 1 }, new Set([1n, -0, Number.NaN])]]),
      date: new Date(86_400_000),
      pattern: /a+/giu,
      floats: Float64Array.of(1.5, -0, Number.POSITIVE_INFINITY),
      bytes: new Uint8Array([1, 2, 3]).buffer,
      absent: undefined,
      nothing: null,
      text: 'ünï\u{1F9F6}\0',
      big: -(2n ** 70n),
      error: new RangeError('as a value'),
    }
    expect(await pool.run(tasks.echo, [values])).toEqual(values)
    expect(await pool.run(tasks.shown, [values.map])).toBe('Map(1) { { key: 1 } => Set(3) { 1n, 0, NaN } }')
    expect(await pool.run(tasks.shown, [values.floats])).toBe('Float64Array(3) [ 1.5, -0, Infinity ]')
    expect(await pool.run(tasks.shown, [[values.date, values.pattern, -0]])).toBe(
      '[ 1970-01-02T00:00:00.000Z, /a+/giu, -0 ]',
    )
  })

  test('cycles and shared parts are the same object twice on the other side, too', async () => {
    const pool = sharedPool(1)
    const part = { name: 'part' }
    const whole: { left: unknown; right: unknown; self?: unknown } = { left: part, right: part }
    whole.self = whole
    const back = (await pool.run(tasks.echo, [whole])) as typeof whole
    expect(back.self).toBe(back)
    expect(back.left).toBe(back.right)
    expect(back.left).toEqual(part)
  })

  test('a task gets as many arguments as were given, undefined ones and none at all included', async () => {
    const pool = sharedPool(1)
    expect(await pool.run(tasks.count, [])).toBe(0)
    expect(await pool.run(tasks.count, [undefined, 1, undefined])).toBe(3)
  })

  test('an argument that cannot be cloned rejects with its path, uses up nothing, and nothing has run', async () => {
    const pool = sharedPool(1)
    const gate = new Gate()
    const worker = await pool.run(tasks.worker, [])
    for (let round = 0; round < 20; round++) {
      const error = await rejectionOf(pool.run(tasks.count, [gate.dir, { on: [{ done: () => {} }] }]))
      expect([error.name, error.code, error.path]).toEqual(['NotCloneableError', 'ERR_NOT_CLONEABLE', '[1].on[0].done'])
    }
    const refused = await rejectionOf(pool.submitTask(tasks.hold, [gate.dir, Symbol('label') as unknown as string]))
    expect(refused.code).toBe('ERR_NOT_CLONEABLE')
    expect(gate.log()).toEqual([])
    expect(await pool.run(tasks.worker, [])).toBe(worker)
    expect(await pool.waitForAllTasks()).toEqual(new Map())
  })

  test('tasks begin in the order of submission, whatever the way of submitting', async () => {
    const pool = sharedPool(1)
    const gate = new Gate()
    const labels = Array.from({ length: 20 }, (_, index) => `task ${index}`)
    await Promise.all(
      labels.map(async (label, index) =>
        index % 2 === 0
          ? await pool.run(tasks.log, [gate.dir, label])
          : await pool.getTaskResult(await pool.submitTask(tasks.log, [gate.dir, label])),
      ),
    )
    expect(gate.log()).toEqual(labels)
  })

  test('maxWorkers tasks run at a time, and the next one begins when one of them is done', async () => {
    const pool = sharedPool(2)
    const [first, second] = [new Gate(), new Gate()]
    const held = [pool.run(tasks.hold, [first.dir, 'a']), pool.run(tasks.hold, [second.dir, 'b'])]
    const next = pool.run(tasks.hold, [second.dir, 'c'])
    await Promise.all([first.begun('a'), second.begun('b')])
    await turnsOfTheLoop()
    expect(second.log()).toEqual(['b'])
    first.open()
    await second.begun('c')
    second.open()
    expect(await Promise.all([...held, next])).toEqual(['a', 'b', 'c'])
  })

  test('never are there more than maxWorkers tasks at a time, nor more workers', async () => {
    const pool = sharedPool(2)
    const gate = new Gate()
    const rounds = Array.from({ length: 40 }, (_, index) => index)
    const inside = await Promise.all(rounds.map((round) => pool.run(tasks.inside, [gate.dir, String(round)])))
    expect(Math.max(...inside)).toBe(2)
    const workers = await Promise.all(rounds.map(() => pool.run(tasks.worker, [])))
    expect(new Set(workers).size).toBeLessThanOrEqual(2)
  })
}
