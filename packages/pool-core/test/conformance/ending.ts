import { expect, test } from '@jest/globals'
import { Gate } from '../support/gate.js'
import { rejectionOf, turnsOfTheLoop } from '../support/observe.js'
import type { Kit } from './kit.js'

export function ending({ createPool, tasks }: Kit): void {
  test('drain lets all finish that was accepted, running or queued, and refuses what comes later', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const gate = new Gate()
    const accepted = ['running', 'queued', 'last'].map((label) => pool.run(tasks.hold, [gate.dir, label]))
    await gate.begun('running')
    let ended = false
    const drained = pool.drain().then(() => {
      ended = true
    })
    for (const refused of [pool.run(tasks.add, [1, 2]), pool.submitTask(tasks.add, [1, 2])]) {
      const error = await rejectionOf(refused)
      expect([error.name, error.code]).toEqual(['ClosedError', 'ERR_CLOSED'])
    }
    await turnsOfTheLoop()
    expect(ended).toBe(false)
    gate.open()
    expect(await Promise.all(accepted)).toEqual(['running', 'queued', 'last'])
    await drained
    expect((await rejectionOf(pool.run(tasks.add, [1, 2]))).code).toBe('ERR_CLOSED')
  })

  test('results and failures that nobody took are there after drain', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const success = await pool.submitTask(tasks.add, [1, 2])
    const failure = await pool.submitTask(tasks.fail, ['custom'])
    await pool.drain()
    expect(await pool.getTaskResult(success)).toBe(3)
    expect((await rejectionOf(pool.getTaskResult(failure))).code).toBe('ERR_ORDER')
  })

  test('drain waits for a task whose worker crashes, and for the one behind it', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const settled = Promise.allSettled([pool.run(tasks.exit, [1]), pool.run(tasks.add, [1, 2])])
    await pool.drain()
    const [crash, last] = await settled
    expect(crash).toMatchObject({ reason: { code: 'ERR_WORKER_CRASHED' } })
    expect(last).toEqual({ status: 'fulfilled', value: 3 })
  })

  test('terminate ends endless loops and whatever is queued; all of it rejects with ERR_CLOSED', async () => {
    const pool = createPool({ maxWorkers: 2 })
    const gate = new Gate()
    const labels = ['one', 'two', 'three', 'four']
    const rejections = Promise.all(labels.map((label) => rejectionOf(pool.run(tasks.spin, [gate.dir, label]))))
    await gate.begun('one', 'two')
    const begun = performance.now()
    await pool.terminate()
    expect(performance.now() - begun).toBeLessThan(5_000)
    expect((await rejections).map(({ name, code }) => [name, code])).toEqual(
      labels.map(() => ['ClosedError', 'ERR_CLOSED']),
    )
    expect(gate.log()).toHaveLength(2)
    expect((await rejectionOf(pool.run(tasks.add, [1, 2]))).code).toBe('ERR_CLOSED')
  })

  test('terminate is quick with 10,000 tasks queued', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const gate = new Gate()
    const rejections = Promise.all(
      Array.from({ length: 10_000 }, (_, n) => rejectionOf(pool.run(tasks.spin, [gate.dir, String(n)]))),
    )
    await gate.begun('0')
    const begun = performance.now()
    await pool.terminate()
    expect(performance.now() - begun).toBeLessThan(5_000)
    expect(new Set((await rejections).map(({ code }) => code))).toEqual(new Set(['ERR_CLOSED']))
    expect(gate.log()).toEqual(['0'])
  })

  test('terminate during drain ends what drain waits for, and both resolve', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const gate = new Gate()
    const rejection = rejectionOf(pool.run(tasks.spin, [gate.dir, 'loop']))
    await gate.begun('loop')
    const drained = pool.drain()
    await pool.terminate()
    await drained
    expect((await rejection).code).toBe('ERR_CLOSED')
  })

  test.each([
    ['drain', 'drain', [false]],
    ['terminate', 'terminate', [false]],
    ['drain', 'terminate', [false, true]],
    ['terminate', 'drain', [false, true]],
  ] as const)(
    '%s and then %s resolve, together or one after the other, the pool used or not',
    async (first, second, uses) => {
      for (const used of uses) {
        const pool = createPool({ maxWorkers: 1 })
        if (used) await pool.run(tasks.add, [1, 2])
        expect(await Promise.all([pool[first](), pool[second]()])).toEqual([undefined, undefined])
        expect(await pool[second]()).toBeUndefined()
        expect(await pool[first]()).toBeUndefined()
      }
    },
  )

  test('the pool ends while a worker is being replaced after an abort', async () => {
    const ways = [
      { way: 'drain', outcome: { status: 'fulfilled', value: 3 } },
      { way: 'terminate', outcome: { status: 'rejected', reason: { code: 'ERR_CLOSED' } } },
    ] as const
    for (const { way, outcome } of ways) {
      const pool = createPool({ maxWorkers: 1 })
      const gate = new Gate()
      const controller = new AbortController()
      const looping = rejectionOf(pool.run(tasks.spin, [gate.dir, 'loop'], { signal: controller.signal }))
      const behind = Promise.allSettled([pool.run(tasks.add, [1, 2])])
      await gate.begun('loop')
      controller.abort('enough')
      await pool[way]()
      expect(await looping).toBe('enough')
      expect(await behind).toMatchObject([outcome])
    }
  })

  test('a pool that leaves the scope of `await using` has let its tasks end', async () => {
    let result: Promise<number>
    let left: ReturnType<typeof createPool>
    {
      await using pool = createPool({ maxWorkers: 1 })
      left = pool
      result = pool.run(tasks.addLater, [1, 2])
    }
    expect(await result).toBe(3)
    expect((await rejectionOf(left.run(tasks.add, [1, 2]))).code).toBe('ERR_CLOSED')
  })
}
