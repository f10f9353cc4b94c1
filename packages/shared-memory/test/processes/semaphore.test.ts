import { Semaphore } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { type Peer, setUp, until } from '../support/processes.js'

const { segment: memory, start, words } = setUp()

const create = (permits: number, maxPermits?: number) => new Semaphore(permits, { memory, maxPermits })

/** Half of them block, half await: each takes so many permits, one after the other. */
function takeAll(processes: readonly Peer[], permits: number, taken: Int32Array) {
  return processes.map((each, i) =>
    each.run('takePermits', { name: 'semaphore', permits, awaiting: i % 2 === 0, words: taken }),
  )
}

/** That exactly so many permits have been taken, and no more are: who awaits has had its turns of the loop by then. */
async function expectTaken(count: number, taken: Int32Array, semaphore: Semaphore, processes: readonly Peer[]) {
  await until(() => Atomics.load(taken, 0) >= count, `${count} permits are taken`)
  for (const each of processes.filter((_, i) => i % 2 === 0)) await each.run('ping')
  expect(Atomics.load(taken, 0)).toBe(count)
  expect(semaphore.getState().free).toBe(0)
}

test('S1: ten processes that want two of 7 permits each: 6, 7, 6 and 1 more pass, phase by phase', async () => {
  const semaphore = create(7)
  const taken = words(1)
  const processes = await start(10, { semaphore })
  semaphore.acquireSync().detach()
  const all = takeAll(processes, 2, taken)
  await expectTaken(6, taken, semaphore, processes)
  semaphore.release(7)
  await expectTaken(13, taken, semaphore, processes)
  semaphore.release(6)
  await expectTaken(19, taken, semaphore, processes)
  semaphore.release(1)
  await Promise.all(all)
  expect(taken[0]).toBe(20)
  expect(semaphore.getState()).toMatchObject({ free: 0, contended: false })
})

test('S2: of ten waiters in other processes exactly as many pass as permits are released', async () => {
  const semaphore = create(0)
  const taken = words(1)
  const processes = await start(10, { semaphore })
  const all = takeAll(processes, 1, taken)
  await until(() => semaphore.getState().contended, 'somebody waits')
  let released = 0
  for (const permits of [4, 1, 5]) {
    semaphore.release(permits)
    released += permits
    await expectTaken(released, taken, semaphore, processes.slice(0, 0))
  }
  await Promise.all(all)
  expect(taken[0]).toBe(10)
})

test.each([
  ['its own bound', 5],
  ['the highest one there is', undefined],
])('S7: a release in another process beyond %s is refused and changes nothing', async (_, bound) => {
  const semaphore = create(1, bound)
  const [other] = await start(1, { semaphore })
  const { maxPermits } = semaphore.getState()
  semaphore.release(maxPermits - 1)
  for (const permits of [1, maxPermits])
    expect(await other?.outcome('semaphore', 'release', permits)).toMatchObject({ code: 'ERR_OVER_RELEASE' })
  expect(semaphore.getState().free).toBe(maxPermits)
})

describe.each(['acquire', 'acquireSync'])('%s in another process', (method) => {
  test('S8: 3 of 2 permits are refused after the time-out, not before, and 2 remain', async () => {
    const semaphore = create(2)
    const [other] = await start(1, { semaphore })
    for (const timeout of [0, 12.5, 300]) {
      const { code, waited } = (await other?.outcome('semaphore', method, 3, { timeout })) ?? { waited: -1 }
      expect(code).toBe('ERR_TIMEOUT')
      expect(waited).toBeGreaterThanOrEqual(timeout)
      expect(waited).toBeLessThan(timeout + 1_000)
    }
    expect(semaphore.getState()).toMatchObject({ free: 2, contended: false })
    expect(await other?.call('semaphore', method, 2)).toEqual({ ownerDied: false })
    expect(semaphore.getState().free).toBe(0)
  })
})

test('S9, S11: a request for three of another process is not passed by later ones for one', async () => {
  const semaphore = create(1)
  const [big, ...small] = (await start(4, { semaphore })) as [Peer, ...Peer[]]
  const order: string[] = []
  const asks = async (peer: Peer, who: string, method: string, permits: number) => {
    await peer.call('semaphore', method, permits)
    order.push(who)
    await peer.guard('semaphore', 'release')
  }
  const first = asks(big, 'big', 'acquireSync', 3)
  await until(() => semaphore.getState().contended, 'the big one waits')
  const others = small.map((each, i) => asks(each, 'small', i === 0 ? 'acquireSync' : 'acquire', 1))
  for (const each of small.slice(1)) await each.run('ping')
  expect(semaphore.tryAcquire()).toBeUndefined()
  expect(order).toEqual([])
  semaphore.release(2)
  await Promise.all([first, ...others])
  expect(order).toEqual(['big', 'small', 'small', 'small'])
})

test('S14: ten processes that increment a plain cell over one permit lose nothing', async () => {
  const semaphore = create(1, 1)
  const cells = words(4)
  const processes = await start(10, { semaphore })
  const rounds = 300
  await Promise.all(
    processes.map((each, i) =>
      each.run('incrementInside', {
        name: 'semaphore',
        rounds,
        awaiting: i % 2 === 0,
        words: cells,
        parties: processes.length,
      }),
    ),
  )
  expect({ cell: cells[0], mostInside: cells[2] }).toEqual({ cell: 10 * rounds, mostInside: 1 })
  expect(semaphore.getState()).toMatchObject({ free: 1, contended: false })
})
