import { Condition, Mutex, RecursiveMutex } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { type CallOutcome, type Peer, setUp, until } from '../support/processes.js'

const { segment: memory, start, startThreads } = setUp()

function create(options: { fair?: boolean } = {}) {
  const mutex = new Mutex({ memory, ...options })
  return { mutex, condition: new Condition(mutex) }
}

interface Woken extends CallOutcome {
  readonly held: boolean
}

interface WaitOptions {
  readonly options?: { readonly timeout: number }
  readonly abort?: boolean
}

/** Takes the mutex in that process, waits for the condition, and lets go of the mutex when it was woken. */
async function wait(peer: Peer | undefined, awaiting: boolean, options: WaitOptions = {}): Promise<Woken> {
  await peer?.call('mutex', 'acquire')
  const woken = await (peer as Peer).run<Woken>('waitFor', {
    condition: 'condition',
    mutex: 'mutex',
    method: awaiting ? 'wait' : 'waitSync',
    ...options,
  })
  await peer?.guard('mutex', 'release')
  return woken
}

async function notify({ mutex, condition }: ReturnType<typeof create>, count: number) {
  const guard = await mutex.acquire()
  const told = condition.notify(guard, count)
  guard.release()
  return told
}

/** Waits for so many waiters; counts those that were woken. */
function waitAll(peers: readonly Peer[]) {
  const waits = peers.map((each, i) => wait(each, i % 2 === 0))
  const woken = { count: 0, waits }
  for (const each of waits)
    void each.then(() => {
      woken.count += 1
    })
  return woken
}

test.each([
  ['blocks', false],
  ['awaits', true],
])(
  'C1, C5: a notification that nobody waited for is not kept: who %s then gives up after its time',
  async (_, awaiting) => {
    const objects = create()
    const [waiter] = await start(1, objects)
    expect(await notify(objects, 1)).toBe(0)
    const woken = await wait(waiter, awaiting, { options: { timeout: 500 } })
    expect(woken).toMatchObject({ value: false, held: true })
    expect(woken.waited).toBeGreaterThanOrEqual(500)
    expect(woken.waited).toBeLessThan(1_500)
    expect(await notify(objects, 1)).toBe(0)
  },
)

test.each([
  ['a mutex', {}],
  ['a fair mutex', { fair: true }],
])(
  'C2: of five waiters in other processes, with %s, notify(3) wakes exactly 3, and notify(5) old and new ones',
  async (_, options) => {
    const objects = create(options)
    const processes = await start(8, objects)
    const first = waitAll(processes.slice(0, 5))
    await until(() => objects.condition.waiting === 5, 'five wait')
    expect(await notify(objects, 3)).toBe(3)
    await until(() => first.count === 3, 'three are woken')
    const second = waitAll(processes.slice(5))
    await until(() => objects.condition.waiting === 5, 'five wait again')
    expect(first.count).toBe(3)
    expect(await notify(objects, 5)).toBe(5)
    for (const each of await Promise.all([...first.waits, ...second.waits]))
      expect(each).toMatchObject({ value: true, held: true })
    expect(objects.condition.waiting).toBe(0)
    expect(objects.mutex.tryAcquire()).toMatchObject({ held: true, ownerDied: false })
  },
)

describe('C4: a waiter holds the lock when it goes on', () => {
  test.each([
    ['woken, and blocks', 'waitSync', {}, { value: true }],
    ['woken, and awaits', 'wait', {}, { value: true }],
    ['timed out, and blocks', 'waitSync', { options: { timeout: 30 } }, { value: false }],
    ['timed out, and awaits', 'wait', { options: { timeout: 30 } }, { value: false }],
    ['aborted', 'wait', { abort: true }, { code: 'ENOUGH' }],
  ])('%s', async (end, method, options, expected) => {
    const objects = create()
    const [waiter] = await start(1, objects)
    await waiter?.call('mutex', 'acquire')
    const waiting = waiter?.run<Woken>('waitFor', {
      condition: 'condition',
      mutex: 'mutex',
      method,
      ...options,
    })
    if (end.startsWith('woken')) {
      await until(() => objects.condition.waiting === 1, 'it waits')
      await notify(objects, 1)
    }
    expect(await waiting).toMatchObject({ ...expected, held: true })
    expect(objects.mutex.tryAcquire()).toBeUndefined()
    expect(objects.mutex.getState().held).toBe(true)
    await waiter?.guard('mutex', 'release')
    expect(await notify(objects, 1)).toBe(0)
  })
})

test('C12: three processes and three threads wait: notify(2), notify(4) and notify(3) wake 2, 4 and none', async () => {
  const objects = create()
  const peers = [...(await start(3, objects)), ...(await startThreads(3, objects))]
  const woken = waitAll(peers)
  await until(() => objects.condition.waiting === 6, 'all wait')
  expect(await notify(objects, 2)).toBe(2)
  await until(() => woken.count === 2, 'two are woken')
  expect(objects.condition.waiting).toBe(4)
  expect(await notify(objects, 4)).toBe(4)
  for (const each of await Promise.all(woken.waits)) expect(each).toMatchObject({ value: true, held: true })
  expect(await notify(objects, 3)).toBe(0)
})

test('C12: a condition with a recursive mutex gives up all levels, and another process has it meanwhile', async () => {
  const mutex = new RecursiveMutex({ memory })
  const condition = new Condition(mutex)
  const [waiter] = await start(1, { mutex, condition })
  await waiter?.call('mutex', 'acquireSync')
  await waiter?.call('mutex', 'acquireSync')
  const waiting = waiter?.run('waitFor', { condition: 'condition', mutex: 'mutex', method: 'waitSync' })
  await until(() => condition.waiting === 1, 'it waits')
  const guard = mutex.acquireSync({ timeout: 5_000 })
  condition.notify(guard)
  guard.release()
  expect(await waiting).toMatchObject({ value: true, held: true })
  await waiter?.guard('mutex', 'release')
  expect(mutex.tryAcquire()).toBeUndefined()
  await waiter?.guard('mutex', 'release')
  expect(mutex.tryAcquire()).toMatchObject({ held: true })
})
