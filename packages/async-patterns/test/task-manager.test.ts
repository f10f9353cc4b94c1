import { runInNewContext } from 'node:vm'
import type { AsyncTaskManagerOptions, TaskContext, TaskOptions } from '@heddle/async-patterns'
import { afterEach, describe, expect, test } from '@jest/globals'
import { drain, observe, rejectionOf } from './support/observe.js'
import { endAll, HeldTasks, managerWith } from './verify/held-tasks.ts'

afterEach(endAll)

/** A manager with held tasks; `run` runs them by their names. */
function heldIn(options: AsyncTaskManagerOptions) {
  const manager = managerWith(options)
  const held = new HeldTasks()
  const run = (name: string, more?: TaskOptions) => manager.run(held.task(name), more)
  return { manager, held, run }
}

describe('what a task is called with', () => {
  test('with arguments: these and nothing else, undefined ones and none at all included', async () => {
    const manager = managerWith()
    const given = (...args: unknown[]) => args
    expect(await manager.run(given, [])).toEqual([])
    expect(await manager.run(given, [undefined, 1, undefined])).toEqual([undefined, 1, undefined])
    const id = await manager.submitTask(given, ['one', { two: 2 }])
    expect(await manager.getTaskResult(id)).toEqual(['one', { two: 2 }])
  })

  test('without: a context, whose signal is the same each time', async () => {
    const manager = managerWith()
    const all = await manager.run((...args: TaskContext[]) => args)
    expect(all).toHaveLength(1)
    const [context] = all
    expect(context?.signal).toBeInstanceOf(AbortSignal)
    expect(context?.signal).toBe(context?.signal)
    expect(context?.signal.aborted).toBe(false)
  })

  test('the types of the task hold for its arguments and its result', async () => {
    const manager = managerWith()
    const sum: number = await manager.run((one: number, other: number) => one + other, [1, 2])
    expect(sum).toBe(3)
    const later: string = await manager.run(async (text: string) => text, ['later'])
    expect(later).toBe('later')
    const aborted: boolean = await manager.run(({ signal }) => signal.aborted, { priority: 1 })
    expect(aborted).toBe(false)
    const results: number[] = await manager
      .map(async (item: string, { signal }) => item.length + Number(signal.aborted), ['ab'])
      .toArray()
    expect(results).toEqual([2])
    // @ts-expect-error: the task takes a number
    expect(await manager.run((one: number) => one, ['1'])).toBe('1')
    // @ts-expect-error: the task takes strings, the items are numbers
    expect(await manager.map((item: string) => item, [1]).toArray()).toEqual([1])
    // @ts-expect-error: there is no such option
    expect(await manager.run(() => 1, { timeOut: 5 })).toBe(1)
  })
})

describe('what a task gives', () => {
  test('results of any kind, sync or async, and of a promise of another realm', async () => {
    const manager = managerWith()
    expect(await manager.run(() => runInNewContext('Promise.resolve(7)'))).toBe(7)
    for (const value of [undefined, null, 0, '', false, Number.NaN]) {
      expect(await manager.run(() => value)).toBe(value)
      expect(await manager.run(async () => value)).toBe(value)
    }
  })

  test('an error rejects as itself, thrown or rejected, whatever it is', async () => {
    const manager = managerWith()
    for (const error of [new RangeError('mine'), 'text', null, undefined, 0]) {
      const sync = manager.run(() => {
        throw error
      })
      expect(await rejectionOf(sync)).toBe(error)
      expect(await rejectionOf(manager.run(() => Promise.reject(error)))).toBe(error)
    }
    expect(manager.stats()).toMatchObject({ failed: 10, running: 0 })
  })

  const define = (object: object, name: string, property: PropertyDescriptor) =>
    Object.defineProperty(object, name, property)
  type Then = (resolve: (value: number) => void, reject: (error: unknown) => void) => void
  const withThen = (object: object, value: Then) => define(object, 'then', { value }) as PromiseLike<number>
  const thenable = (then: Then) => withThen({}, then)
  const twice = (resolve: (value: number) => void, reject: (error: unknown) => void) => {
    resolve(1)
    reject(new Error('too late'))
    resolve(2)
  }
  const late = (resolve: (value: number) => void) => {
    resolve(1)
    throw new Error('too late')
  }

  test.each([
    ['a thenable that calls back twice', () => thenable(twice)],
    ['a thenable that throws when it has called back', () => thenable(late)],
    ['a promise with a `then` of its own that calls back twice', () => withThen(Promise.resolve(9), twice)],
    ['a promise with a `then` of its own that throws later', () => withThen(Promise.resolve(9), late)],
  ])('%s settles its task once and frees one place', async (_, make) => {
    const { manager, held, run } = heldIn({ maxConcurrent: 2 })
    expect(await manager.run(make)).toBe(1)
    expect(await manager.map(make, [1, 2, 3]).toArray()).toEqual([1, 1, 1])
    const two = [run('a'), run('b')]
    void run('c')
    await drain()
    expect(held.begun).toEqual(['a', 'b'])
    held.end('a', 'b')
    expect(await Promise.all(two)).toEqual(['a', 'b'])
    while (!held.begun.includes('c')) await drain()
    held.end('c')
  })

  test('a thenable that throws at once, and a getter of `then` that does, fail their tasks', async () => {
    const manager = managerWith({ maxConcurrent: 1 })
    const problem = new Error('of then')
    const throwing = () =>
      thenable(() => {
        throw problem
      })
    const getter = () =>
      define({}, 'then', {
        get: () => {
          throw problem
        },
      })
    for (const task of [throwing, getter]) {
      expect(await rejectionOf(manager.run(task))).toBe(problem)
      expect(await rejectionOf(manager.map(task, [1]).toArray())).toBe(problem)
    }
    expect(manager.stats()).toMatchObject({ failed: 4, running: 0 })
  })
})

describe('places', () => {
  // A4
  test('never more than maxConcurrent are at work, and they begin in the order they came', async () => {
    const { manager, held, run } = heldIn({ maxConcurrent: 3 })
    const names = Array.from({ length: 9 }, (_, i) => String(i))
    const all = Promise.all(names.map((name) => run(name)))
    for (let ended = 0; ended < 9; ended++) {
      await drain()
      expect(held.begun).toEqual(names.slice(0, ended + 3))
      expect(manager.stats()).toMatchObject({ running: Math.min(3, 9 - ended), queued: Math.max(0, 6 - ended) })
      held.end(String(ended))
    }
    expect(await all).toEqual(names)
  })

  // A4
  test('queueTimeout 0 begins at once or not at all', async () => {
    const { manager, held, run } = heldIn({ maxConcurrent: 1 })
    const first = run('first', { queueTimeout: 0 })
    expect(await rejectionOf(run('second', { queueTimeout: 0 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(manager.stats()).toMatchObject({ queued: 0, timedOut: 1 })
    held.end('first')
    await first
    manager.pause()
    expect(await rejectionOf(run('third', { queueTimeout: 0 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(held.begun).toEqual(['first'])
  })

  test('a task that can begin at once begins in the same turn', () => {
    const { held, run } = heldIn({ maxConcurrent: 1 })
    void run('first')
    expect(held.begun).toEqual(['first'])
  })

  test('higher priorities begin first, and within one those that came first', async () => {
    const { held, run } = heldIn({ maxConcurrent: 1 })
    void run('first')
    const priorities = { a: 0, b: -1.5, c: 2, d: 0, e: 2, f: 1e9, g: -1.5, h: -0 }
    for (const [name, priority] of Object.entries(priorities)) void run(name, { priority })
    for (let i = 0; i < 9; i++) {
      held.end(held.begun.at(-1) as string)
      await drain()
    }
    expect(held.begun.join('')).toBe('firstfceadhbg')
  })

  test('one that is too heavy for the free places is not passed by lighter ones, and does not starve', async () => {
    const { manager, held, run } = heldIn({ maxConcurrent: 3 })
    void run('a')
    void run('b')
    void run('heavy', { weight: 3 })
    void run('light')
    await drain()
    expect(held.begun).toEqual(['a', 'b'])
    held.end('a')
    await drain()
    void run('late')
    expect(held.begun).toEqual(['a', 'b'])
    held.end('b')
    await drain()
    expect(held.begun).toEqual(['a', 'b', 'heavy'])
    expect(manager.stats()).toMatchObject({ running: 1, queued: 2 })
    held.end('heavy')
    await drain()
    expect(held.begun.slice(3)).toEqual(['light', 'late'])
    expect(await rejectionOf(run('too heavy', { weight: 4 }))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
  })

  test('a task of higher priority passes a heavy head', async () => {
    const { held, run } = heldIn({ maxConcurrent: 2 })
    void run('a')
    void run('heavy', { weight: 2 })
    void run('urgent', { priority: 1 })
    await drain()
    expect(held.begun).toEqual(['a', 'urgent'])
  })

  test('a heavy head that gives up lets the lighter ones behind it begin at once', async () => {
    const { held, run } = heldIn({ maxConcurrent: 2 })
    const controller = new AbortController()
    void run('a')
    const heavy = rejectionOf(run('heavy', { weight: 2, signal: controller.signal }))
    void run('light')
    controller.abort('enough')
    expect(await heavy).toBe('enough')
    await drain()
    expect(held.begun).toEqual(['a', 'light'])
  })

  test('maxConcurrent taken up lets waiting ones begin at once; taken down, places are not given again', async () => {
    const { manager, held, run } = heldIn({ maxConcurrent: 1 })
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) void run(name)
    manager.maxConcurrent = 4
    await drain()
    expect(held.begun).toEqual(['a', 'b', 'c', 'd'])
    manager.maxConcurrent = 2
    expect(manager.maxConcurrent).toBe(2)
    held.end('a', 'b')
    await drain()
    expect(manager.stats()).toMatchObject({ running: 2, queued: 2, maxConcurrent: 2 })
    held.end('c')
    await drain()
    expect(held.begun.at(-1)).toBe('e')
  })

  test('one that is heavier than all places, since those were taken down, runs alone', async () => {
    const { manager, held, run } = heldIn({ maxConcurrent: 4 })
    void run('a')
    void run('heavy', { weight: 4 })
    void run('light')
    manager.maxConcurrent = 2
    held.end('a')
    await drain()
    expect(held.begun).toEqual(['a', 'heavy'])
    held.end('heavy')
    await drain()
    expect(held.begun).toEqual(['a', 'heavy', 'light'])
  })

  test('with maxConcurrent Infinity all begin at once', async () => {
    const manager = managerWith({ maxConcurrent: Number.POSITIVE_INFINITY })
    const all = Array.from({ length: 3_000 }, (_, i) => manager.run(async () => i))
    expect(manager.stats()).toMatchObject({ running: 3_000, queued: 0 })
    expect((await Promise.all(all)).at(-1)).toBe(2_999)
  })

  test('a body that asks for more tasks, in its call or later, waits for no place of its own making', async () => {
    const { manager, held, run } = heldIn({ maxConcurrent: 1 })
    const inner = observe(manager.run(() => manager.run(() => 'nested').then(() => 'never')))
    await drain()
    // Two that wait for each other, as in any executor with a bound: nobody but the caller can see it.
    expect([inner.state, manager.stats().running, manager.stats().queued]).toEqual(['pending', 1, 1])
    manager.maxConcurrent = 2
    await drain()
    expect(inner.value).toBe('never')
    void run('next')
    expect(held.begun).toEqual(['next'])
  })
})
