import { Mutex, RecursiveMutex } from '@heddle/sync-primitives'
import { expect, test } from '@jest/globals'
import { type Peer, setUp, until } from '../support/processes.js'

const { segment: memory, start, startThreads, words } = setUp()

const bound = 1_000

/** By name; of every four two are plain, one is fair and one recursive. */
function createLocks(count: number) {
  const create = (i: number) =>
    i % 4 === 3 ? new RecursiveMutex({ memory }) : new Mutex({ memory, fair: i % 4 === 1 })
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`${i}`, create(i)]))
}

/** Takes each lock once. @returns how many had a dead owner */
function takeAll(locks: ReturnType<typeof createLocks>): number {
  let died = 0
  for (const lock of Object.values(locks)) {
    const guard = lock.acquireSync({ timeout: bound })
    if (guard.ownerDied) {
      died += 1
      guard.markConsistent()
    }
    guard.release()
    expect(lock.getState()).toMatchObject({ held: false, ownerDied: false, recoverable: true })
  }
  return died
}

test('R4: a process with 9 threads that use 100 locks by every form is killed: each lock can be had, five times over', async () => {
  const locks = createLocks(100)
  const names = Object.keys(locks)
  for (let round = 0; round < 5; round++) {
    const cells = words(1)
    const [victim] = (await start(1, locks)) as [Peer]
    void victim.run('withThreads', { count: 9, operation: 'lockAnything', parameters: { names, words: cells } })
    const wanted = 500 + Math.floor(Math.random() * 500)
    await until(() => Atomics.load(cells, 0) > wanted, 'the threads are at work')
    victim.signal('SIGKILL')
    takeAll(locks)
    await victim.ended
    expect(takeAll(locks)).toBe(0)
  }
})

/** A share of what `npm run verify -- memory` does. */
test('R6: threads that are terminated at any moment leave no lock stuck, 40 times over', async () => {
  const locks = createLocks(4)
  const names = Object.keys(locks)
  const [other] = (await start(1, locks)) as [Peer]
  let heirs = startThreads(2, locks)
  for (let round = 0; round < 20; round++) {
    const doomed = await heirs
    const cells = words(1)
    for (const [i, each] of doomed.entries())
      void each.run('lockAnything', { names, words: cells, seed: 2 * round + i })
    const wanted = Math.floor(Math.random() * 200)
    await until(() => Atomics.load(cells, 0) > wanted, 'the threads are at work')
    const terminated = doomed.map((each) => each.kill())
    heirs = startThreads(2, locks)
    // One of them is asked while the threads end, by a process and by this thread.
    const [mine, theirs] = [`${round % 4}`, `${(round + 1) % 4}`]
    const guard = await locks[mine]?.acquire({ timeout: bound })
    guard?.markConsistent()
    guard?.release()
    expect(await other.outcome(theirs, 'acquireSync', { timeout: bound })).toMatchObject({ value: expect.anything() })
    await other.guard(theirs, 'markConsistent')
    await other.guard(theirs, 'release')
    await Promise.all(terminated)
    takeAll(locks)
    expect(takeAll(locks)).toBe(0)
  }
  await heirs
}, 120_000)

test('R8: 32 threads of 4 processes lock and unlock without a death: nobody is told of one, and no increment is lost', async () => {
  const mutex = new Mutex({ memory })
  const cells = words(4)
  const processes = await start(4, { mutex })
  const rounds = 100
  const parameters = { name: 'mutex', rounds, awaiting: false, words: cells, parties: 32 }
  const told = await Promise.all(
    processes.map((each) => each.run<number[]>('withThreads', { count: 8, operation: 'incrementInside', parameters })),
  )
  expect(told.flat()).toEqual(Array(32).fill(0))
  expect({ cell: cells[0], mostInside: cells[2] }).toEqual({ cell: 32 * rounds, mostInside: 1 })
}, 60_000)
