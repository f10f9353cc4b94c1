import { afterEach, describe, expect, test } from '@jest/globals'
import { drain, observe } from './support/observe.js'
import { endAll, HeldTasks, managerWith } from './verify/held-tasks.ts'

afterEach(endAll)

/** A manager of one place, and held tasks of two kinds in it. */
function shared(options: Parameters<typeof managerWith>[0] = { maxConcurrent: 1 }) {
  const manager = managerWith(options)
  const held = new HeldTasks()
  const map = (names: Iterable<string>, more?: { concurrency?: number; signal?: AbortSignal }) =>
    manager.map((name: string, context) => held.task(name)(context), names, more)
  const run = (name: string, more?: { priority?: number; weight?: number }) =>
    observe(manager.run(held.task(name), more))
  /** Ends one after another as they begin, until none is left. */
  const finish = async () => {
    for (let ended = 0; ended < held.begun.length; ended++) {
      held.end(held.begun[ended] as string)
      await drain()
    }
    return held.begun.join(' ')
  }
  return { manager, held, map, run, finish }
}

describe('maps and tasks share the places', () => {
  test('items and queued tasks take turns', async () => {
    const { map, run, finish } = shared()
    const results = map(['m1', 'm2', 'm3', 'm4']).toArray()
    for (const name of ['t1', 't2', 't3']) run(name)
    expect(await finish()).toBe('m1 t1 m2 t2 m3 t3 m4')
    expect(await results).toEqual(['m1', 'm2', 'm3', 'm4'])
  })

  test('two maps take turns, though one has a greater concurrency', async () => {
    const { map, finish } = shared()
    const all = [
      map(['a1', 'a2', 'a3'], { concurrency: 100 }).toArray(),
      map(['b1', 'b2', 'b3'], { concurrency: 1 }).toArray(),
    ]
    expect(await finish()).toBe('a1 b1 a2 b2 a3 b3')
    expect(await Promise.all(all)).toHaveLength(2)
  })

  test('tasks have every second turn, however many maps there are', async () => {
    const { map, run, finish } = shared()
    for (const name of ['a', 'b', 'c']) void map([1, 2].map((n) => `${name}${n}`)).toArray()
    for (const name of ['t1', 't2', 't3']) run(name)
    expect(await finish()).toBe('a1 t1 b1 t2 c1 t3 a2 b2 c2')
  })

  test('an urgent task passes the items of maps, which take turns with the others only', async () => {
    const { map, run, finish } = shared()
    void map(['m1', 'm2']).toArray()
    run('t1')
    run('urgent', { priority: 1 })
    run('urgent too', { priority: 1 })
    expect(await finish()).toBe('m1 urgent urgent too m2 t1')
  })

  test('a heavy task gets its places, though maps work all the time', async () => {
    const { map, run, finish } = shared({ maxConcurrent: 3 })
    const names = Array.from({ length: 12 }, (_, i) => `m${i}`)
    const results = map(names).toArray()
    const heavy = run('heavy', { weight: 3 })
    const begun = (await finish()).split(' ')
    expect(heavy.state).toBe('fulfilled')
    expect(begun.indexOf('heavy')).toBeLessThanOrEqual(6)
    expect(await results).toEqual(names)
  })

  test('a map whose task runs another in the same manager, sync ones and ones that end it', async () => {
    const { manager } = shared()
    const log: string[] = []
    const results = manager.map(
      (n: number) => {
        log.push(`m${n}`)
        void manager.run(() => log.push(`t${n}`))
        return n
      },
      [1, 2, 3],
    )
    expect(await results.toArray()).toEqual([1, 2, 3])
    await manager.onIdle()
    expect(log.sort()).toEqual(['m1', 'm2', 'm3', 't1', 't2', 't3'])
  })

  test('a queued sync task that ends the map and pauses, just when a lane lets it in: each place is freed once', async () => {
    const { manager, held, run } = shared({ maxConcurrent: 1, abortGrace: 1 })
    const results = manager.map(
      (n: number) => {
        if (n === 1)
          void manager.run(() => {
            manager.pause()
            void results.return()
          })
        return n
      },
      [1, 2, 3],
    )
    expect((await results.next()).value).toBe(1)
    await manager.onIdle()
    await new Promise((resolve) => setTimeout(resolve, 10))
    manager.resume()
    for (const name of ['a', 'b']) run(name)
    expect([held.begun, manager.stats().running]).toEqual([['a'], 1])
  })
})

describe('the settings hold for maps, too', () => {
  test('pause: items that run go on, and none begins until resume', async () => {
    const { manager, held, map } = shared({ maxConcurrent: 2 })
    const results = observe(map(['a', 'b', 'c', 'd']).toArray())
    await drain()
    manager.pause()
    held.end('a', 'b')
    await drain()
    expect([held.begun, manager.stats().running]).toEqual([['a', 'b'], 0])
    manager.resume()
    await drain()
    expect(held.begun).toEqual(['a', 'b', 'c', 'd'])
    held.end('c', 'd')
    await drain()
    expect(results.value).toEqual(['a', 'b', 'c', 'd'])
  })

  test.each([1, Number.POSITIVE_INFINITY])(
    'a map that begins while paused waits, whatever its concurrency: %p',
    async (concurrency) => {
      const { manager, held, map, finish } = shared({ maxConcurrent: Number.POSITIVE_INFINITY })
      manager.pause()
      const results = map(['a', 'b'], { concurrency }).toArray()
      await drain()
      expect([held.begun, manager.stats().running]).toEqual([[], 0])
      manager.resume()
      expect(await finish()).toBe('a b')
      expect(await results).toEqual(['a', 'b'])
    },
  )

  test('drain of a paused manager with a map in line resolves', async () => {
    const { manager, map } = shared()
    manager.pause()
    const results = observe(map(['a']).toArray())
    await manager.drain()
    await drain()
    expect(results.reason).toMatchObject({ code: 'ERR_CLOSED' })
  })

  test('maxConcurrent taken down: places that items leave are not given again; taken up: more begin', async () => {
    const { manager, held, map } = shared({ maxConcurrent: 4 })
    const names = Array.from({ length: 20 }, (_, i) => `m${i}`)
    const results = map(names, { concurrency: 6 }).toArray()
    await drain()
    manager.maxConcurrent = 1
    held.end('m0', 'm1')
    await drain()
    expect(manager.stats().running).toBe(2)
    held.end('m2', 'm3')
    await drain()
    expect([manager.stats().running, held.begun.length]).toEqual([1, 5])
    manager.maxConcurrent = 10
    await drain()
    expect([manager.stats().running, held.begun.length]).toEqual([6, 10])
    held.endAll()
    expect(await results).toEqual(names)
  })

  test('clear() leaves maps alone', async () => {
    const { manager, map, run, finish } = shared()
    const results = map(['a', 'b']).toArray()
    const dropped = run('t')
    expect(manager.clear()).toBe(1)
    expect(await finish()).toBe('a b')
    expect([await results, dropped.state]).toEqual([['a', 'b'], 'rejected'])
  })
})

test('the statistics count items as tasks, each once', async () => {
  const { manager } = shared({ maxConcurrent: 4, abortGrace: 0 })
  await manager.map((n: number) => n, [1, 2, 3]).toArray()
  await manager
    .map(() => Promise.reject('mine'), [1])
    .toArray()
    .catch(() => undefined)
  const never = () => new Promise<never>(() => undefined)
  await manager
    .map(never, [1, 2], { timeout: 1, concurrency: 1 })
    .toArray()
    .catch(() => undefined)
  const left = manager.map(never, [1, 2, 3])
  void left.next()
  await left.return()
  await manager.onIdle()
  expect(manager.stats()).toMatchObject({
    succeeded: 3,
    failed: 1,
    timedOut: 1,
    cancelled: 3,
    abandoned: 4,
    running: 0,
  })
  expect(manager.stats().waitTimes.count).toBe(0)
})
