import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import type { NoticeListener, Notices } from '../build/connection/server.js'
import { HeldLease } from '../build/leases/held-lease.js'
import { LeaseLine } from '../build/leases/lease-line.js'
import type { LeaseAnswer, LeaseRequest, LeaseStore } from '../build/leases/lease-store.js'
import { rejectionOf, until } from './support/until.js'

/** A server that answers what it is told to. */
class Store implements LeaseStore {
  readonly channel = 'channel'
  readonly mayOvertake: boolean
  readonly asked: LeaseRequest[] = []
  readonly released: string[] = []
  renewals = 0
  onAsk: (request: LeaseRequest) => LeaseAnswer | Promise<LeaseAnswer> = () => ({ token: 1n })
  onRenew: () => boolean | Promise<boolean> = () => true

  constructor(mayOvertake = false) {
    this.mayOvertake = mayOvertake
  }

  async ask(request: LeaseRequest): Promise<LeaseAnswer> {
    this.asked.push(request)
    return await this.onAsk(request)
  }

  async renew(): Promise<boolean> {
    this.renewals += 1
    return await this.onRenew()
  }

  async release(id: string): Promise<void> {
    this.released.push(id)
  }

  async state() {
    return { used: 0, bound: 1, waiters: 0 }
  }
}

class Board implements Notices {
  readonly listeners = new Set<NoticeListener>()
  attempts = 0
  isAway = false

  async subscribe(_: string, listener: NoticeListener): Promise<() => void> {
    this.attempts += 1
    if (this.isAway) throw new Error('away')
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  async publish(_: string, message: string): Promise<void> {
    for (const listener of this.listeners) listener.onMessage(message)
  }

  async tell(): Promise<void> {}
}

const waiting: LeaseAnswer = { token: undefined, waitMs: 60_000 }
const lease = 10_000

function gate<Answer>() {
  let open: (answer: Answer) => void = () => undefined
  const opened = new Promise<Answer>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

describe('the line', () => {
  test('a grant that comes after the caller has given up is given back, once', async () => {
    const store = new Store()
    const { open, opened } = gate<LeaseAnswer>()
    store.onAsk = () => opened
    const line = new LeaseLine(store, new Board())
    expect(await line.take(1, lease, { timeout: 20 })).toBeUndefined()
    expect(store.released).toEqual([])
    open({ token: 5n })
    await until(() => store.released.length > 0)
    await delay(20)
    expect(store.released).toEqual([store.asked[0]?.id])
    expect(store.asked).toHaveLength(1)
  })

  test('a grant in the same moment as the abort is given back, or given', async () => {
    const outcomes = new Set<unknown>()
    for (let ticks = 0; ticks < 30; ticks += 1) {
      const store = new Store()
      const controller = new AbortController()
      const abortIn = (left: number): void => {
        if (left === 0) controller.abort('now')
        else queueMicrotask(() => abortIn(left - 1))
      }
      store.onAsk = () => {
        abortIn(ticks)
        return { token: 5n }
      }
      const outcome = await new LeaseLine(store, new Board())
        .take(1, lease, { signal: controller.signal })
        .catch((error: unknown) => error)
      await delay(1)
      outcomes.add(outcome === 'now' ? outcome : 'given')
      expect(store.released).toHaveLength(outcome === 'now' ? 1 : 0)
    }
    expect(outcomes.size).toBe(2)
  })

  test('a grant that was on its way for most of its lease is asked for again', async () => {
    const store = new Store()
    store.onAsk = async () => {
      if (store.asked.length === 1) await delay(60)
      return { token: 3n }
    }
    const grant = await new LeaseLine(store, new Board()).take(1, 100, {})
    expect(store.asked).toHaveLength(2)
    expect(store.asked[1]?.id).toBe(store.asked[0]?.id)
    expect(grant).toMatchObject({ token: 3n })
    expect(performance.now() - (grant?.since ?? 0)).toBeLessThan(50)
  })

  test('a notice that comes before the answer is not missed', async () => {
    const store = new Store()
    const board = new Board()
    store.onAsk = async ({ id }) => {
      if (store.asked.length > 2) return { token: 1n }
      if (store.asked.length === 2) await board.publish('channel', id)
      return waiting
    }
    const began = performance.now()
    await new LeaseLine(store, board).take(1, lease, {})
    expect(performance.now() - began).toBeLessThan(900)
    expect(store.asked).toHaveLength(3)
  })

  test('one that waits looks when it is named, and not when others are', async () => {
    const store = new Store()
    const board = new Board()
    store.onAsk = () => waiting
    const taken = new LeaseLine(store, board).take(1, lease, {})
    await until(() => store.asked.length === 2)
    await board.publish('channel', 'somebody')
    await delay(20)
    expect(store.asked).toHaveLength(2)
    store.onAsk = () => ({ token: 1n })
    await board.publish('channel', store.asked[0]?.id ?? '')
    await taken
    expect(board.listeners.size).toBe(0)
  })

  test('without notices it looks every second, and tries to get them', async () => {
    const store = new Store()
    const board = new Board()
    board.isAway = true
    store.onAsk = () => (store.asked.length === 3 ? { token: 1n } : waiting)
    const began = performance.now()
    await new LeaseLine(store, board).take(1, lease, {})
    expect(performance.now() - began).toBeGreaterThan(1_900)
    expect(board.attempts).toBe(2)
    expect(store.asked).toHaveLength(3)
  })

  test('when the server has failed, what it may have given goes back', async () => {
    const store = new Store()
    const error = new Error('away')
    store.onAsk = () => Promise.reject(error)
    expect(await rejectionOf(new LeaseLine(store, new Board()).take(1, lease, {}))).toBe(error)
    expect(store.released).toEqual([store.asked[0]?.id])
  })

  test('where one may overtake another, the next one asks when the one before has its place', async () => {
    const store = new Store(true)
    const { open, opened } = gate<LeaseAnswer>()
    store.onAsk = () => (store.asked.length === 1 ? opened : { token: 2n })
    const line = new LeaseLine(store, new Board())
    const first = line.take(1, lease, {})
    const givenUp = line.take(2, lease, { timeout: 10 })
    const last = line.take(3, lease, {})
    expect(await givenUp).toBeUndefined()
    expect(store.asked).toHaveLength(1)
    open({ token: 1n })
    expect([(await first)?.token, (await last)?.token]).toEqual([1n, 2n])
    expect(store.asked.map(({ permits }) => permits)).toEqual([1, 3])
  })
})

describe('a held lease', () => {
  const hold = (store: Store, ms: number, onLost?: (error: Error) => void) =>
    new HeldLease(store, { id: 'id', permits: 1, token: 1n, since: performance.now() }, { lease: ms, onLost })

  test('it is renewed after a third, and again', async () => {
    const store = new Store()
    const held = hold(store, 300)
    const began = performance.now()
    await until(() => store.renewals === 3)
    const passed = performance.now() - began
    expect(passed).toBeGreaterThan(250)
    expect(held.held).toBe(true)
    await held.release()
    expect(store.released).toEqual(['id'])
    await delay(150)
    expect(store.renewals).toBe(3)
  })

  test('a renewal that fails is tried again, until the lease is over', async () => {
    const store = new Store()
    const told: Error[] = []
    store.onRenew = () => Promise.reject(new Error('away'))
    const began = performance.now()
    const held = hold(store, 300, (error) => told.push(error))
    await until(() => held.lost.aborted)
    expect(performance.now() - began).toBeGreaterThanOrEqual(300)
    expect(store.renewals).toBeGreaterThan(2)
    expect(told).toEqual([held.lost.reason])
    const { renewals } = store
    await delay(100)
    expect(store.renewals).toBe(renewals)
    await held.release()
    expect(store.released).toEqual([])
  })

  test('a renewal that works after one that failed keeps it', async () => {
    const store = new Store()
    store.onRenew = () => (store.renewals % 2 === 0 ? true : Promise.reject(new Error('away')))
    const held = hold(store, 200)
    await delay(700)
    expect(held.held).toBe(true)
    await held.release()
  })

  test('it counts from before the question: an answer that took long leaves less', async () => {
    const store = new Store()
    const { open, opened } = gate<boolean>()
    const began = performance.now()
    const held = hold(store, 300)
    store.onRenew = () => opened
    const renewed = held.renew()
    await delay(200)
    open(true)
    await renewed
    store.onRenew = () => new Promise(() => undefined)
    await until(() => !held.held)
    expect(performance.now() - began).toBeLessThan(450)
    await until(() => held.lost.aborted)
  })

  test('a renewal that arrives at the server too late is given back', async () => {
    const store = new Store()
    const { open, opened } = gate<boolean>()
    store.onRenew = () => opened
    const held = hold(store, 100)
    await until(() => held.lost.aborted)
    expect(store.released).toEqual([])
    open(true)
    await until(() => store.released.length === 1)
  })

  test('of two renewals whose answers come in another order the later one counts', async () => {
    const store = new Store()
    const first = gate<boolean>()
    const held = hold(store, 1_000)
    store.onRenew = () => first.opened
    const early = held.renew()
    await delay(150)
    store.onRenew = () => true
    await held.renew()
    const renewed = performance.now()
    first.open(true)
    await early
    store.onRenew = () => new Promise(() => undefined)
    await until(() => !held.held)
    expect(performance.now() - renewed).toBeGreaterThan(950)
  })

  test('after a stop of the program it is not held before any timer has run', async () => {
    const store = new Store()
    const held = hold(store, 100)
    const until = performance.now() + 150
    while (performance.now() < until);
    expect(held.held).toBe(false)
    expect(held.lost.aborted).toBe(false)
    await delay(20)
    expect(held.lost.aborted).toBe(true)
    expect(store.renewals).toBe(0)
  })
})
