import fs from 'node:fs'
import { Mutex, ReadWriteLock, RecursiveMutex } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { type Peer, setUp, until } from '../support/processes.js'

const { segment: memory, start, startThreads, words } = setUp()

/** Within this a death must be noticed, in milliseconds. */
const bound = 1_000

interface Options {
  readonly timeout?: number
}

/** All locks by the same names: a read-write lock is taken for writing. */
function lockOf(object: Mutex | RecursiveMutex | ReadWriteLock) {
  if (object instanceof ReadWriteLock)
    return {
      object,
      forms: { take: 'acquireWrite', takeSync: 'acquireWriteSync', tryTake: 'tryAcquireWrite' },
      take: (options?: Options) => object.acquireWrite(options),
      takeSync: (options?: Options) => object.acquireWriteSync(options),
      tryTake: () => object.tryAcquireWrite(),
    }
  return {
    object,
    forms: { take: 'acquire', takeSync: 'acquireSync', tryTake: 'tryAcquire' },
    take: (options?: Options) => object.acquire(options),
    takeSync: (options?: Options) => object.acquireSync(options),
    tryTake: () => object.tryAcquire(),
  }
}

type Lock = ReturnType<typeof lockOf>

/** One of each kind, or several, by name. */
function createLocks(each = 1): Record<string, Lock> {
  const locks: Record<string, Lock> = {}
  for (let i = 0; i < each; i++) {
    locks[`mutex ${i}`] = lockOf(new Mutex({ memory }))
    locks[`fair mutex ${i}`] = lockOf(new Mutex({ memory, fair: true }))
    locks[`recursive mutex ${i}`] = lockOf(new RecursiveMutex({ memory }))
    locks[`writer ${i}`] = lockOf(new ReadWriteLock({ memory }))
  }
  return locks
}

const objectsOf = (locks: Record<string, Lock>) =>
  Object.fromEntries(Object.entries(locks).map(([name, { object }]) => [name, object]))

async function takeAll(peer: Peer, locks: Record<string, Lock>) {
  for (const [name, { forms }] of Object.entries(locks)) await peer.call(name, forms.takeSync)
}

/** Another process that holds all of them. */
async function holderOf(locks: Record<string, Lock>): Promise<Peer> {
  const [holder] = (await start(1, objectsOf(locks))) as [Peer]
  await takeAll(holder, locks)
  return holder
}

/**
 * Lets other processes wait for all of them: one blocks for each of the first four, the fifth awaits all others.
 *
 * @param take - an operation that takes a lock
 */
async function waitForAll<Taken>(
  peers: readonly Peer[],
  locks: Record<string, Lock>,
  take: (peer: Peer, name: string, method: string) => Promise<Taken>,
) {
  const waits = Object.entries(locks).map(([name, { forms }], i) => {
    const peer = peers[Math.min(i, 4)] as Peer
    return { name, peer, taken: take(peer, name, i < 4 ? forms.takeSync : forms.take) }
  })
  await until(() => Object.values(locks).every(({ object }) => object.getState().contended), 'all are waited for')
  return waits
}

/** Repairs and releases what a dead one has left. @returns who learns of the death, before and after */
function mend({ object, tryTake }: Lock, guard: ReturnType<Lock['tryTake']>) {
  guard?.markConsistent()
  guard?.release()
  const { ownerDied, recoverable } = object.getState()
  const next = tryTake()
  next?.release()
  return { told: guard?.ownerDied, ownerDied, recoverable, nextTold: next?.ownerDied }
}

const mended = { told: true, ownerDied: false, recoverable: true, nextTold: false }

const lost = expect.objectContaining({ code: 'ERR_NOT_RECOVERABLE' })

test('R1: whoever waits for a lock of a killed process owns it within a second, marked; after the repair all is normal', async () => {
  const survivors = await start(5)
  for (let round = 0; round < 5; round++) {
    const locks = createLocks(5)
    const victim = await holderOf(locks)
    await Promise.all(survivors.map((each) => each.open(objectsOf(locks))))
    const waits = await waitForAll(survivors, locks, (peer, name, method) =>
      peer.run<{ ownerDied: boolean; at: bigint }>('take', { name, method }),
    )
    const killed = process.hrtime.bigint()
    victim.signal('SIGKILL')
    for (const { name, peer, taken } of waits) {
      const { ownerDied, at } = await taken
      expect({ name, ownerDied }).toEqual({ name, ownerDied: true })
      expect(Number(at - killed) / 1e6).toBeLessThan(bound)
      await peer.guard(name, 'markConsistent')
      await peer.guard(name, 'release')
    }
    for (const { object, tryTake } of Object.values(locks)) {
      expect(tryTake()).toMatchObject({ held: true, ownerDied: false })
      expect(object.getState()).toMatchObject({ ownerDied: false, recoverable: true })
    }
  }
})

test('R2: released without a repair, a lock is lost for who waits already and for all who come, for ever', async () => {
  const locks = createLocks()
  const victim = await holderOf(locks)
  const [patient, ...peers] = (await start(5, objectsOf(locks))) as [Peer, ...Peer[]]
  const waits = await waitForAll(peers, locks, (peer, name, method) => peer.outcome(name, method))
  const alsoWaits = Object.entries(locks).map(([name, { forms }]) => patient.outcome(name, forms.take))
  await patient.run('ping')
  await victim.kill()
  for (const [i, { name, peer, taken }] of waits.entries()) {
    const one = { peer, outcome: taken }
    const other = { peer: patient, outcome: alsoWaits[i] }
    const first = await Promise.race([one, other].map(async (each) => ({ ...each, outcome: await each.outcome })))
    expect(first.outcome).toMatchObject({ value: { ownerDied: true } })
    await first.peer.guard(name, 'release')
    expect(await (first.peer === peer ? other : one).outcome).toEqual(lost)
    const { object, forms, take, takeSync, tryTake } = locks[name] as Lock
    for (const method of Object.values(forms))
      for (const each of [peer, patient]) expect(await each.outcome(name, method)).toEqual(lost)
    for (const attempt of [tryTake, takeSync]) expect(() => attempt()).toThrow(lost)
    await expect(take()).rejects.toEqual(lost)
    expect(object.getState()).toMatchObject({ recoverable: false })
  }
})

test.each(['try', 'timed'])('R3: of a killed process the %s form gets a lock too, marked', async (form) => {
  for (let round = 0; round < 5; round++) {
    const locks = createLocks(5)
    const victim = await holderOf(locks)
    victim.signal('SIGKILL')
    const killed = performance.now()
    for (const [name, lock] of Object.entries(locks)) {
      let guard = form === 'try' ? lock.tryTake() : lock.takeSync({ timeout: bound })
      while (!guard && performance.now() < killed + bound) guard = lock.tryTake()
      expect({ name, ...mend(lock, guard) }).toEqual({ name, ...mended })
    }
    await victim.ended
  }
})

test('R5: three processes die one after the other before one of them repairs: each next one is told', async () => {
  const locks = createLocks()
  const first = await holderOf(locks)
  const chain = await start(2, objectsOf(locks))
  await first.kill()
  for (const each of chain) {
    for (const [name, { forms }] of Object.entries(locks))
      expect(await each.call(name, forms.takeSync)).toEqual({ ownerDied: true })
    await each.kill()
  }
  for (const [name, lock] of Object.entries(locks))
    expect({ name, ...mend(lock, await lock.take({ timeout: bound })) }).toEqual({ name, ...mended })
})

describe.each(['SIGTERM', 'process.exit()'])('a process that ends by %s', (way) => {
  test('R1: is told as dead, too', async () => {
    const locks = createLocks()
    const holder = await holderOf(locks)
    const waits = Object.entries(locks).map(([name, lock]) => [name, lock, lock.take({ timeout: 2 * bound })] as const)
    if (way === 'SIGTERM') holder.signal(way)
    else void holder.run('exit')
    for (const [name, lock, waiting] of waits)
      expect({ name, ...mend(lock, await waiting) }).toEqual({ name, ...mended })
  })
})

test('R7: of a terminated thread another process has it, marked, and it is lost when nobody repairs', async () => {
  const locks = createLocks()
  const [thread] = (await startThreads(1, objectsOf(locks))) as [Peer]
  const [other] = (await start(1, objectsOf(locks))) as [Peer]
  await takeAll(thread, locks)
  await thread.kill()
  for (const [name, { forms, takeSync }] of Object.entries(locks)) {
    expect(await other.call(name, forms.takeSync)).toEqual({ ownerDied: true })
    await other.guard(name, 'release')
    expect(await other.outcome(name, forms.take)).toEqual(lost)
    expect(() => takeSync()).toThrow(lost)
  }
})

test('R14: of a killed child that its blocked parent cannot bury, the parent gets it, marked', async () => {
  for (const [name, lock] of Object.entries(createLocks())) {
    const mark = words(1)
    const child = await holderOf({ [name]: lock })
    void child.run('dieWhenWanted', { name, mark })
    await until(() => Atomics.load(mark, 0) === 1, 'the child looks whether it is waited for')
    const begun = performance.now()
    const guard = lock.takeSync({ timeout: 5_000 })
    expect(performance.now() - begun).toBeLessThan(bound)
    expect(statusOf(child.pid)).toBe('Z')
    expect({ name, ...mend(lock, guard) }).toEqual({ name, ...mended })
  }
})

test('R3: a stopped process is not dead: it is not robbed, however long others ask, and goes on with what it holds', async () => {
  const locks = createLocks()
  const holder = await holderOf(locks)
  const [other] = (await start(1, objectsOf(locks))) as [Peer]
  holder.signal('SIGSTOP')
  await until(() => statusOf(holder.pid) === 'T', 'it has stopped')
  const options = { timeout: 1.2 * bound }
  const theirs = Object.entries(locks).map(([name, { forms }]) => other.outcome(name, forms.take, options))
  const mine = Object.values(locks).map(({ take }) =>
    expect(take(options)).rejects.toMatchObject({ code: 'ERR_TIMEOUT' }),
  )
  for (const each of theirs) expect(await each).toMatchObject({ code: 'ERR_TIMEOUT' })
  await Promise.all(mine)
  for (const { object, tryTake } of Object.values(locks)) {
    expect(tryTake()).toBeUndefined()
    expect(object.getState()).toMatchObject({ ownerDied: false })
  }
  holder.signal('SIGCONT')
  for (const [name, { tryTake }] of Object.entries(locks)) {
    await holder.guard(name, 'release')
    expect(tryTake()).toMatchObject({ held: true, ownerDied: false })
  }
})

describe.each(['SIGKILL', 'process.exit()'])('a process that ends by %s', (way) => {
  async function end(peer: Peer) {
    if (way === 'SIGKILL') peer.signal(way)
    else void peer.run('exit')
    await peer.ended
  }

  test('R12: stands among the participants from its first use of the segment until then', async () => {
    const isThere = (pid: number) => memory.stats().participants.some(({ processId }) => processId === pid)
    const [peer] = (await start(1)) as [Peer]
    expect(isThere(peer.pid)).toBe(true)
    await end(peer)
    expect(isThere(peer.pid)).toBe(false)
  })

  test('R13: and holds nothing leaves locks of others untouched', async () => {
    const [mine, theirs] = [new Mutex({ memory }), new Mutex({ memory, fair: true })]
    const [bystander, holder] = (await start(2, { mine, theirs })) as [Peer, Peer]
    const guard = mine.acquireSync()
    await holder.call('theirs', 'acquireSync')
    expect(await bystander.call('mine', 'tryAcquire')).toBeUndefined()
    const before = [mine.getState(), theirs.getState()]
    await end(bystander)
    expect([mine.getState(), theirs.getState()]).toEqual(before)
    expect(theirs.tryAcquire()).toBeUndefined()
    guard.release()
    await holder.guard('theirs', 'release')
    for (const mutex of [mine, theirs]) expect(mutex.tryAcquire()).toMatchObject({ held: true, ownerDied: false })
  })
})

/** The kernel's letter for what it does: Z of a zombie, T of one that is stopped. */
function statusOf(pid: number): string | undefined {
  return fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '')[0]
}
