import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { Gate } from '../support/gate.js'
import { range } from '../support/inputs.js'
import { rejectionOf, turnsOfTheLoop, until } from '../support/observe.js'
import type { Kit } from './kit.js'
import { withPolicyOf } from './policies.js'

/** What travels together must not be told apart from what travels alone, except by the clock. */
export function neighbours(kit: Kit): void {
  const { createPool, sharedPool } = kit
  const withPolicy = withPolicyOf(kit)
  const idempotent = { idempotent: true }

  test('a task that uses one object for all its results gives each its own, in a chunk and in a burst', async () => {
    const pool = sharedPool(1)
    const reuse = withPolicy('reuse', idempotent)
    const expected = range(40).map((n) => ({ n }))
    expect(await pool.map(reuse, range(40), { chunkSize: 8 }).toArray()).toEqual(expected)
    for (let round = 0; round < 3; round++)
      expect(await Promise.all(range(40).map((n) => pool.run(reuse, [n])))).toEqual(expected)
  })

  test('one argument for many runs is a copy for each, whatever they do to it', async () => {
    const pool = sharedPool(1)
    const grow = withPolicy('grow', idempotent)
    const one = { list: [] }
    const ones = range(40).map(() => 1)
    expect(await pool.map(grow, Array(40).fill(one), { chunkSize: 8 }).toArray()).toEqual(ones)
    for (let round = 0; round < 3; round++)
      expect(await Promise.all(range(40).map(() => pool.run(grow, [one])))).toEqual(ones)
  })

  test('a result that only the clone refuses fails alone, and costs no worker', async () => {
    const pool = sharedPool(1)
    const sneaky = withPolicy('sneaky', idempotent)
    const { crashes } = pool.stats()
    for (let round = 0; round < 3; round++) {
      const settled = await Promise.allSettled(range(20).map((n) => pool.run(sneaky, [n])))
      expect(settled.map(({ status }) => status)).toEqual(range(20).map((n) => (n === 5 ? 'rejected' : 'fulfilled')))
    }
    const results = pool.map(sneaky, [4, 5, 6], { chunkSize: 3 })
    expect(await results.next()).toEqual({ done: false, value: 4 })
    await rejectionOf(results.next())
    expect(pool.stats().crashes).toBe(crashes)
  })

  test('short runs that are done do not wait for one of their message that has to be awaited', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const gate = new Gate()
    const hear = withPolicy('hear', idempotent)
    for (let warmUp = 0; warmUp < 20; warmUp++) await pool.run(hear, [gate.dir, 'short', false])
    const ids = await Promise.all(range(12).map((n) => pool.submitTask(hear, [gate.dir, String(n), n === 11])))
    const before = ids.slice(0, 11)
    expect(await Promise.all(before.map((id) => pool.getTaskResult(id)))).toEqual(range(11).map(String))
    // And what waits hears that nobody waits for it: its worker need not be ended.
    await gate.begun('11')
    // That it has asked for its signal was told before it wrote that it has begun.
    await turnsOfTheLoop()
    pool.cancelTask(ids[11] as string, 'enough')
    expect(await rejectionOf(pool.getTaskResult(ids[11] as string))).toBe('enough')
    await gate.begun('heard enough')
    expect(await pool.run(hear, [gate.dir, 'next', false])).toBe('next')
    expect(pool.stats()).toMatchObject({ crashes: 0, workers: 1 })
  })

  test('items that were changed after they were given cost the map at most, and never the program or the drain', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const exitAt = withPolicy('exitAt', idempotent)
    const items: { n: number; at: number; bad?: () => void }[] = range(6).map((n) => ({ n, at: 4 }))
    const results = pool.map(exitAt, items, { chunkSize: 6 })
    const first = results.next()
    await setTimeout(0)
    for (const item of items) item.bad = () => {}
    await Promise.allSettled([first, results.toArray()])
    await pool.drain()
    expect(pool.stats().running).toBe(0)
  })

  test('a map that nobody reads on after a crash does not hold back the drain', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const exitAt = withPolicy('exitAt', idempotent)
    const results = pool.map(
      exitAt,
      range(5).map((n) => ({ n, at: 3 })),
      { chunkSize: 5, concurrency: 5 },
    )
    expect(await results.next()).toEqual({ done: false, value: 0 })
    await pool.drain()
    expect(pool.stats()).toMatchObject({ running: 0, queued: 0 })
  })

  test('an input that drains the pool, and one told of a dropped task that ends it, are not waited for for ever', async () => {
    const square = withPolicy('square', idempotent)
    const draining = createPool({ maxWorkers: 1 })
    function* input() {
      yield* range(5)
      void draining.drain()
      yield* range(20)
    }
    expect((await rejectionOf(draining.map(square, input(), { chunkSize: 10 }).toArray())).code).toBe('ERR_CLOSED')
    const dropping = createPool({
      maxWorkers: 1,
      maxQueued: 1,
      whenFull: 'drop-oldest',
      onDropped: () => void dropping.terminate(),
    })
    const settled = await Promise.allSettled(range(4).map((n) => dropping.run(square, [n])))
    expect(settled.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(2)
    await dropping.onIdle()
  })

  test('a timeout is not over because this thread was busy when the answer came', async () => {
    const pool = sharedPool(1)
    const quick = withPolicy('quick', {})
    await pool.run(quick, [0])
    const result = pool.run(quick, [30], { timeout: 300 })
    await setTimeout(20)
    // From here on the timers have their turn before what has arrived is read.
    await setImmediate()
    const busy = performance.now() + 600
    while (performance.now() < busy);
    expect(await result).toBe(30)
  })

  test('the input of a map is pulled in the context of whoever has made it', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const storage = new AsyncLocalStorage<string>()
    const square = withPolicy('square', idempotent)
    await storage.run('first', () => pool.run(square, [1]))
    const seen = new Set<string | undefined>()
    function* input() {
      for (const n of range(50)) {
        seen.add(storage.getStore())
        yield n
      }
    }
    await storage.run('second', () => pool.map(square, input(), { concurrency: 2 }).toArray())
    expect(seen).toEqual(new Set(['second']))
  })

  test('a pool that drains cannot be paused', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const quick = withPolicy('quick', {})
    const results = Promise.all(range(3).map((n) => pool.run(quick, [n])))
    const drained = pool.drain()
    pool.pause()
    expect(pool.paused).toBe(false)
    expect(await results).toEqual(range(3))
    await drained
  })

  test('arguments that were spoiled before a stream began are its error, and it is over', async () => {
    const pool = sharedPool(1)
    const quick = withPolicy('quick', {})
    const spoiled: unknown[] = [1]
    const values = pool.stream(quick, spoiled as [number])
    spoiled[0] = () => {}
    expect((await rejectionOf(values.next())).code).toBe('ERR_NOT_CLONEABLE')
    expect((await values.next()).done).toBe(true)
    await until(() => pool.stats().running === 0, 'the end of all runs')
  })
}
