import { Mutex, RecursiveMutex } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { MortalWorker } from './support/mortal-worker.js'
import { thrownBy, until } from './support/until.js'

const detectDeadlocks = true
const deadlock = { name: 'LockStateError', code: 'ERR_DEADLOCK' }

describe.each<[string, () => Mutex | RecursiveMutex]>([
  ['mutexes', () => new Mutex({ detectDeadlocks })],
  ['fair mutexes', () => new Mutex({ detectDeadlocks, fair: true })],
  ['recursive mutexes', () => new RecursiveMutex({ detectDeadlocks })],
])('with %s that detect deadlocks', (_, create) => {
  test('the one of two threads that closes the circle is told, by name of the other, and the other goes on', async () => {
    const [left, right] = [create(), create()]
    const other = await MortalWorker.withObjects({ left, right }, { options: { detectDeadlocks } })
    const otherId = other.worker.threadId
    const mine = left.acquireSync()
    await other.run('acquireSync', { name: 'right' })
    const waiting = other.run('acquireSync', { name: 'left' })
    await until(() => left.getState().contended, 'the other one waits')
    const error = thrownBy(() => right.acquireSync()) as Error
    expect(error).toMatchObject(deadlock)
    expect(error.message).toContain(`thread ${otherId}`)
    expect(error.message).toContain('this thread')
    // Nothing was acquired, and what was held stays held.
    expect(mine.held).toBe(true)
    expect(right.getState()).toMatchObject({ held: true, owner: { threadId: otherId }, waitingHere: 0 })
    mine.release()
    expect(await waiting).toEqual({ ownerDied: false })
    for (const name of ['left', 'right']) await other.run('release', { name })
    for (const mutex of [left, right]) mutex.acquireSync().release()
  })

  test('a circle of three is seen by the one that closes it, and names the two others in order', async () => {
    const [one, two, three] = [create(), create(), create()]
    const objects = { one, two, three }
    const [b, c] = await Promise.all(
      [1, 2].map(() => MortalWorker.withObjects(objects, { options: { detectDeadlocks } })),
    )
    const ids = [b?.worker.threadId, c?.worker.threadId]
    const mine = one.acquireSync()
    await b?.run('acquireSync', { name: 'two' })
    await c?.run('acquireSync', { name: 'three' })
    const waits = [b?.run('acquireSync', { name: 'three' })]
    await until(() => three.getState().contended, 'the second waits for the third')
    waits.push(c?.run('acquireSync', { name: 'one' }))
    await until(() => one.getState().contended, 'the third waits for the first')
    const error = thrownBy(() => two.acquireSync()) as Error
    expect(error).toMatchObject(deadlock)
    expect(error.message).toMatch(new RegExp(`thread ${ids[0]}\\b.*thread ${ids[1]}\\b.*this thread`))
    mine.release()
    await waits[1]
    await c?.run('release', { name: 'three' })
    await waits[0]
  })

  test('a thread in a worker is told as well, while this one blocks', async () => {
    const [left, right] = [create(), create()]
    const other = await MortalWorker.withObjects({ left, right }, { options: { detectDeadlocks } })
    await other.run('acquireSync', { name: 'right' })
    left.acquireSync()
    // The other one lets go when it is told; this thread would wait for ever otherwise.
    const told = other.run('closeCircleAndLetGo', { name: 'left', own: 'right' })
    const guard = right.acquireSync()
    expect(guard.held).toBe(true)
    expect(await told).toBe('ERR_DEADLOCK')
  })

  test('a line without a circle is no deadlock: its end lets go, and all get what they wait for', async () => {
    const [one, two] = [create(), create()]
    const [b, c] = await Promise.all(
      [1, 2].map(() => MortalWorker.withObjects({ one, two }, { options: { detectDeadlocks } })),
    )
    await b?.run('acquireSync', { name: 'two' })
    const mine = one.acquireSync()
    const waits = [b?.run('acquireSync', { name: 'one' })]
    await until(() => one.getState().contended, 'the second one waits')
    waits.push(c?.run('acquireSync', { name: 'two' }))
    await until(() => two.getState().contended, 'the third one waits')
    mine.release()
    expect(await waits[0]).toEqual({ ownerDied: false })
    await b?.run('release', { name: 'one' })
    await b?.run('release', { name: 'two' })
    expect(await waits[1]).toEqual({ ownerDied: false })
  })

  test('a wait with a time limit is no alarm: neither its own end of the circle nor the other', async () => {
    const [left, right] = [create(), create()]
    const other = await MortalWorker.withObjects({ left, right }, { options: { detectDeadlocks } })
    const mine = left.acquireSync()
    await other.run('acquireSync', { name: 'right' })
    const timed = other.run('acquireSync', { name: 'left', options: { timeout: 150 } })
    await until(() => left.getState().contended, 'the other one waits')
    expect(thrownBy(() => right.acquireSync({ timeout: 20 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    // Without a limit here: the other one gives up in time, and lets go.
    const letsGo = timed.catch((error: { code: string }) => {
      void other.run('release', { name: 'right' })
      return error.code
    })
    const guard = await right.acquire()
    expect(await letsGo).toBe('ERR_TIMEOUT')
    guard.release()
    mine.release()
  })

  test('this thread may block for what a thread with a time limit holds: there is no alarm, and it gets it', async () => {
    const [left, right] = [create(), create()]
    const other = await MortalWorker.withObjects({ left, right }, { options: { detectDeadlocks } })
    left.acquireSync()
    await other.run('acquireSync', { name: 'right' })
    const told = other.run('waitInTimeAndLetGo', { name: 'left', own: 'right', timeout: 60 })
    expect(right.acquireSync().held).toBe(true)
    expect(await told).toBe('ERR_TIMEOUT')
  })

  test('what the dead hold closes no circle: it is taken over', async () => {
    const [left, right] = [create(), create()]
    const other = await MortalWorker.withObjects({ left, right }, { options: { detectDeadlocks } })
    left.acquireSync()
    await other.run('acquireSync', { name: 'right' })
    void other.run('acquireSync', { name: 'left' })
    await until(() => left.getState().contended, 'the one that will die waits')
    await other.terminate()
    const guard = right.acquireSync()
    expect({ held: guard.held, ownerDied: guard.ownerDied }).toEqual({ held: true, ownerDied: true })
  })

  test('threads that always take them in one order are never told anything', async () => {
    const [one, two] = [create(), create()]
    const workers = await Promise.all(
      [1, 2, 3].map(() => MortalWorker.withObjects({ one, two }, { options: { detectDeadlocks } })),
    )
    const rounds = workers.map((worker) => worker.run('inOrder', { names: ['one', 'two'], rounds: 300 }))
    expect(await Promise.all(rounds)).toEqual([300, 300, 300])
    for (const mutex of [one, two]) expect(mutex.getState()).toMatchObject({ held: false, ownerDied: false })
  })
})

test('philosophers that grab in a circle are told, put down what they have, and all get to eat', async () => {
  const forks = {
    one: new Mutex({ detectDeadlocks }),
    two: new Mutex({ detectDeadlocks }),
    three: new Mutex({ detectDeadlocks }),
  }
  const workers = await Promise.all(
    [1, 2, 3].map(() => MortalWorker.withObjects(forks, { options: { detectDeadlocks } })),
  )
  const names = ['one', 'two', 'three', 'one']
  const meals = workers.map((worker, i) => worker.run('eat', { names: names.slice(i, i + 2), rounds: 100 }))
  expect(await Promise.all(meals)).toEqual([100, 100, 100])
  for (const fork of Object.values(forks)) expect(fork.getState()).toMatchObject({ held: false, ownerDied: false })
})

test('taking a mutex twice is ERR_ALREADY_OWNED, not a deadlock', () => {
  const mutex = new Mutex({ detectDeadlocks })
  mutex.acquireSync()
  expect(thrownBy(() => mutex.acquireSync())).toMatchObject({ code: 'ERR_ALREADY_OWNED' })
})
