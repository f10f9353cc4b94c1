import { type Subscription, Topic, type WhenSlow } from '@heddle/ipc-channels'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { microtasks, turnsOfTheLoop } from './support/until.js'

type Operation =
  | { readonly call: 'publish' | 'tryPublish' | 'close' }
  | { readonly call: 'subscribe'; readonly whenSlow: WhenSlow }
  | { readonly call: 'receive' | 'tryReceive' | 'leave'; readonly which: number }
  | { readonly call: 'abort'; readonly which: number }

const most = 3

interface NaiveSubscription {
  readonly whenSlow: WhenSlow
  cursor: number
  lost: number
  state: 'open' | 'closed' | 'cut off'
  waiting: number[]
}

/** The obvious topic of one thread: an array of all messages, and whoever waits goes as soon as he can, in order. */
class NaiveTopic {
  readonly outcomes = new Map<number, unknown>()
  readonly subscriptions: NaiveSubscription[] = []
  readonly #capacity: number
  readonly #all: number[] = []
  #oldest = 0
  #publishers: { id: number; message: number }[] = []
  #closed = false
  #errors = 0
  #lost = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get state(): unknown {
    const open = this.subscriptions.filter(({ state }) => state === 'open')
    const pendings = open.map((each) => this.#pendingOf(each))
    return {
      subscriptions: this.subscriptions.map((each) => [each.lost, each.state === 'open' ? this.#pendingOf(each) : 0]),
      stats: {
        publishCount: this.#all.length,
        lost: this.#lost,
        errors: this.#errors,
        subscribers: open.length,
        pending: Math.max(0, ...pendings),
        closed: this.#closed,
      },
    }
  }

  /** Waiting forms leave their outcome under `id`, once they have one. */
  publish(id: number, message: number): void {
    this.#publishers.push({ id, message })
    this.#settle()
  }

  receive(id: number, which: number): void {
    const subscription = this.subscriptions[which]
    if (!subscription) return
    subscription.waiting.push(id)
    this.#settle()
  }

  tryPublish(message: number): unknown {
    if (this.#publishers.length > 0) return this.#fail()
    if (this.#closed) return 'ERR_CLOSED'
    if (!this.#makeRoom()) return this.#fail()
    this.publish(-1, message)
    return true
  }

  tryReceive(which: number): unknown {
    const subscription = this.subscriptions[which]
    if (!subscription) return undefined
    if (subscription.waiting.length > 0) return this.#fail()
    const before = subscription.lost
    const outcome = this.#take(subscription)
    this.#settle()
    if (outcome === undefined) return this.#fail()
    return typeof outcome === 'number' ? [outcome, subscription.lost - before] : outcome
  }

  subscribe(whenSlow: WhenSlow): unknown {
    if (this.subscriptions.filter(({ state }) => state === 'open').length === most) return 'ERR_OUT_OF_RANGE'
    this.subscriptions.push({ whenSlow, cursor: this.#all.length, lost: 0, state: 'open', waiting: [] })
    return true
  }

  leave(which: number): void {
    const subscription = this.subscriptions[which]
    if (!subscription) return
    subscription.state = 'closed'
    this.#settle()
  }

  abort(id: number): void {
    for (const waiting of [this.#publishers, ...this.subscriptions.map((each) => each.waiting)])
      for (const [i, each] of waiting.entries()) {
        if ((typeof each === 'number' ? each : each.id) !== id) continue
        waiting.splice(i, 1)
        this.outcomes.set(id, 'aborted')
      }
  }

  close(): void {
    this.#closed = true
    this.#settle()
  }

  #fail(): false {
    this.#errors += 1
    return false
  }

  #pendingOf({ cursor }: NaiveSubscription): number {
    return this.#all.length - Math.max(cursor, this.#oldest)
  }

  /** Whether one more message can be kept. Nothing is overwritten unless all that is needed can be. */
  #makeRoom(): boolean {
    if (this.#all.length - this.#oldest < this.#capacity) return true
    return !this.subscriptions.some(
      ({ state, whenSlow, cursor }) => state === 'open' && whenSlow === 'wait' && cursor <= this.#oldest,
    )
  }

  #take(subscription: NaiveSubscription): unknown {
    if (subscription.state === 'closed') return 'ERR_CLOSED'
    if (subscription.state === 'cut off') return 'ERR_PEER_GONE'
    const missed = Math.max(0, this.#oldest - subscription.cursor)
    subscription.lost += missed
    this.#lost += missed
    subscription.cursor += missed
    if (missed > 0 && subscription.whenSlow === 'disconnect') {
      subscription.state = 'cut off'
      return 'ERR_PEER_GONE'
    }
    if (subscription.cursor < this.#all.length) return this.#all[subscription.cursor++]
    return this.#closed ? 'ERR_CLOSED' : undefined
  }

  #settle(): void {
    for (let isSettled = false; !isSettled; ) {
      isSettled = true
      for (const subscription of this.subscriptions)
        while (subscription.waiting.length > 0) {
          const outcome = this.#take(subscription)
          if (outcome === undefined) break
          this.outcomes.set(subscription.waiting.shift() as number, outcome)
          isSettled = false
        }
      const [publisher] = this.#publishers
      if (!publisher || !(this.#closed || this.#makeRoom())) continue
      isSettled = false
      this.#publishers.shift()
      this.outcomes.set(publisher.id, this.#closed ? 'ERR_CLOSED' : true)
      if (this.#closed) continue
      if (this.#all.length - this.#oldest === this.#capacity) this.#oldest += 1
      this.#all.push(publisher.message)
    }
  }
}

const codeOf = (error: unknown): unknown => (error as { code: unknown }).code

const attempt = (call: () => unknown): unknown => {
  try {
    return call()
  } catch (error) {
    return codeOf(error)
  }
}

const which = fc.nat(4)
const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ call: fc.constantFrom('publish' as const, 'tryPublish' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      call: fc.constant('subscribe' as const),
      whenSlow: fc.constantFrom('wait' as const, 'skip' as const, 'disconnect' as const),
    }),
  },
  { weight: 8, arbitrary: fc.record({ call: fc.constantFrom('receive' as const, 'tryReceive' as const), which }) },
  { weight: 1, arbitrary: fc.record({ call: fc.constant('leave' as const), which }) },
  { weight: 2, arbitrary: fc.record({ call: fc.constant('abort' as const), which: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.constant({ call: 'close' as const }) },
)

/** Runs the operations on both; every answer and every state on the way must be the same. */
async function compare(capacity: number, operations: readonly Operation[], turns: readonly number[]): Promise<void> {
  const topic = new Topic<number>({ capacity, capacityBytes: 256, maxSubscribers: most })
  const naive = new NaiveTopic(capacity)
  const subscriptions: Subscription<number>[] = []
  const outcomes = new Map<number, unknown>()
  const controllers: AbortController[] = []
  const watch = (id: number, promise: Promise<unknown>) => {
    void promise.then(
      (value) => outcomes.set(id, value ?? true),
      (error: unknown) => outcomes.set(id, error === 'aborted' ? error : codeOf(error)),
    )
  }
  for (const [id, operation] of operations.entries()) {
    const message = 1_000 + id
    const controller = new AbortController()
    const { signal } = controller
    const answers: [topic: unknown, naive: unknown][] = []
    const subscription = 'which' in operation ? subscriptions[operation.which] : undefined
    controllers.push(controller)
    switch (operation.call) {
      case 'publish':
        watch(id, topic.publish(message, { signal }))
        naive.publish(id, message)
        break
      case 'tryPublish':
        answers.push([attempt(() => topic.tryPublish(message)), naive.tryPublish(message)])
        break
      case 'subscribe':
        answers.push([
          attempt(() => subscriptions.push(topic.subscribe({ whenSlow: operation.whenSlow })) > 0),
          naive.subscribe(operation.whenSlow),
        ])
        break
      case 'receive':
        if (subscription) watch(id, subscription.receive({ signal }))
        naive.receive(id, operation.which)
        break
      case 'tryReceive':
        answers.push([
          attempt(() => {
            if (!subscription) return undefined
            const received = subscription.tryReceive()
            return received ? [received.message, received.lost] : false
          }),
          naive.tryReceive(operation.which),
        ])
        break
      case 'leave':
        subscription?.close()
        naive.leave(operation.which)
        break
      case 'abort':
        controllers[operation.which]?.abort('aborted')
        naive.abort(operation.which)
        break
      case 'close':
        topic.close()
        naive.close()
    }
    for (const [real, twin] of answers) expect(real).toEqual(twin)
    await microtasks(turns[id % turns.length] ?? 0)
    expect({ subscriptions: subscriptions.map((each) => [each.lost, each.pending]), stats: topic.getStats() }).toEqual(
      naive.state,
    )
  }
  await turnsOfTheLoop()
  expect(Object.fromEntries(outcomes)).toEqual(Object.fromEntries([...naive.outcomes].filter(([id]) => id >= 0)))
  // What is left waiting ends, so that nothing outlives the run.
  topic.close()
  for (const subscription of subscriptions) subscription.close()
}

test('in one thread it does what the obvious topic does, in every order of calls', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 3 }),
      fc.array(anyOperation, { maxLength: 40 }),
      fc.array(fc.nat(3), { minLength: 1, maxLength: 5 }),
      compare,
    ),
    { numRuns: 250 },
  )
})
