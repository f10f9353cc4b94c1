import { ProducerConsumer, type ProducerConsumerReport, ThreadSafeQueue } from '@heddle/ipc-channels'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { isBalanced, never, sorted } from './support/producer-consumer.js'
import { turnsOfTheLoop } from './support/until.js'

/** What a producer does at a call, and a consumer with an item. */
const moves = ['go', 'go', 'go', 'wait', 'throw', 'hang'] as const
type Move = (typeof moves)[number]

const producer = fc.record({
  kind: fc.constantFrom('function' as const, 'generator' as const, 'async generator' as const),
  script: fc.array(fc.constantFrom(...moves, 'nothing' as const, 'bad item' as const), { maxLength: 6 }),
})
const consumer = fc.array(fc.constantFrom(...moves), { minLength: 1, maxLength: 4 })
const plan = fc.record({
  use: fc.constantFrom('own' as const, 'shared' as const, 'closeQueue' as const),
  queueSize: fc.constantFrom(1, 2, 5),
  maxAttempts: fc.integer({ min: 1, max: 2 }),
  producers: fc.array(producer, { maxLength: 3 }),
  consumers: fc.array(consumer, { maxLength: 3 }),
  /** Items of others that are inside before the start; their numbers are negative. */
  foreign: fc.integer({ min: 0, max: 2 }),
  lateConsumer: fc.option(consumer, { nil: undefined }),
  turns: fc.integer({ min: 0, max: 12 }),
  isClosedByOthers: fc.boolean(),
  stops: fc.array(
    fc.record({
      drain: fc.boolean(),
      turns: fc.integer({ min: 0, max: 6 }),
      timeout: fc.constantFrom(undefined, 0, 3),
    }),
    { maxLength: 2 },
  ),
})
type Plan = typeof plan extends fc.Arbitrary<infer Value> ? Value : never
type ProducerPlan = Plan['producers'][number]
type Item = number | { readonly number: number; readonly bad: () => void }

class Watched {
  readonly brought: number[] = []
  readonly late: number[] = []
  readonly finished: number[] = []
  readonly reports: ProducerConsumerReport<Item>[] = []
  readonly #queue: ThreadSafeQueue<Item> | undefined
  readonly #system: ProducerConsumer<Item>
  readonly #plan: Plan
  #isOver = false

  constructor(plan: Plan) {
    this.#plan = plan
    const { use, queueSize, maxAttempts } = plan
    this.#queue = use === 'own' ? undefined : new ThreadSafeQueue<Item>({ capacity: queueSize })
    this.#system = new ProducerConsumer<Item>({
      ...(this.#queue === undefined ? { queueSize } : { queue: this.#queue, closeQueue: use === 'closeQueue' }),
      maxAttempts,
      minDelay: 1,
      maxDelay: 2,
      abortGrace: 3,
      onError: ({ role, error, item }) => {
        const { code } = error as { code?: string }
        if (role === 'producer' && code === 'ERR_CLOSED' && item !== undefined) this.late.push(numberOf(item))
        else if (this.#isOver) throw new Error(`${role} is listened to after the end`)
      },
    })
    for (let i = 1; i <= plan.foreign && i <= queueSize; i++) {
      if (this.#queue !== undefined) this.#queue.putSync(-i)
    }
    for (const producer of plan.producers) this.#addProducer(producer)
    for (const consumer of plan.consumers) this.#addConsumer(consumer)
  }

  /** @returns what was seen, and what it should be */
  async play(): Promise<[seen: object, expected: object]> {
    const ended = this.#system.start().then((report) => {
      this.#isOver = true
      return report
    })
    await turnsOfTheLoop(this.#plan.turns)
    if (this.#plan.lateConsumer !== undefined) this.#addConsumer(this.#plan.lateConsumer)
    if (this.#plan.isClosedByOthers) this.#queue?.close()
    for (const { drain, turns, timeout } of this.#plan.stops) {
      void this.#system.stop({ drain, timeout })
      await turnsOfTheLoop(turns)
    }
    void this.#system.stop({ timeout: 5 })
    const report = await ended
    const wasRunning = this.#system.running
    const before = fc.stringify(report)
    const left: Item[] = []
    const { queue } = this.#system
    while (queue.size > 0) left.push(...queue.tryGetMany(10))
    await turnsOfTheLoop(3)
    const { produced, consumed, failed, put, taken, failures, undelivered } = report
    const { use, queueSize } = this.#plan
    const foreign = use === 'own' ? 0 : Math.min(this.#plan.foreign, queueSize)
    const stats = queue.getStats()
    const placed = [...failures.map(({ item }) => item as Item), ...undelivered, ...left].map(numberOf)
    const seen = {
      wasRunning,
      after: fc.stringify(report),
      places: sorted([...this.finished, ...this.late, ...placed]),
      isBalanced: isBalanced(report),
      counts: { produced, consumed, failed, taken },
      left: use === 'own' ? left.length : 0,
      putCount: stats.putCount,
      unfinished: stats.unfinished,
    }
    const expected: typeof seen = {
      wasRunning: false,
      after: before,
      places: sorted([...this.brought, ...Array.from({ length: foreign }, (_, i) => -1 - i)]),
      isBalanced: true,
      counts: {
        produced: this.brought.length - this.late.length,
        consumed: this.finished.length,
        failed: failures.length,
        taken: use === 'own' ? put : stats.getCount - left.length,
      },
      left: 0,
      putCount: put + foreign,
      // What was taken here is not done.
      unfinished: left.length,
    }
    return [seen, expected]
  }

  #addProducer({ kind, script }: ProducerPlan): void {
    const base = 1000 * (this.#producers++ + 1)
    let call = 0
    const bring = (): number => {
      const number = base + call
      this.brought.push(number)
      return number
    }
    const itemOf = (move: ProducerPlan['script'][number]): Item => {
      const number = bring()
      return move === 'bad item' ? { number, bad: () => undefined } : number
    }
    if (kind === 'function')
      this.#system.addProducer(() => {
        const move = script[call++] ?? 'nothing'
        if (move === 'throw') throw new Error('producer')
        if (move === 'hang') return never
        if (move === 'nothing') return undefined
        return move === 'wait' ? turnsOfTheLoop(2).then(() => itemOf(move)) : itemOf(move)
      })
    else if (kind === 'generator')
      this.#system.addProducer(function* () {
        for (const move of script) {
          call += 1
          if (move === 'throw') throw new Error('producer')
          if (move !== 'nothing' && move !== 'hang') yield itemOf(move)
        }
      })
    else
      this.#system.addProducer(async function* () {
        for (const move of script) {
          call += 1
          if (move === 'throw') throw new Error('producer')
          if (move === 'hang') await never
          if (move === 'wait') await turnsOfTheLoop(2)
          if (move !== 'nothing') yield itemOf(move)
        }
      })
  }

  #addConsumer(script: readonly Move[]): void {
    let calls = 0
    this.#system.addConsumer(async (item) => {
      if (this.#isOver) throw new Error('a consumer is called after the end')
      const move = script[calls++ % script.length]
      if (move === 'hang') await never
      if (move === 'wait') await turnsOfTheLoop(2)
      if (move === 'throw') throw new Error('consumer')
      if (!this.#isOver) this.finished.push(numberOf(item))
    })
  }

  #producers = 0
}

function numberOf(item: Item): number {
  return typeof item === 'number' ? item : item.number
}

test('every item has exactly one place at the end, whoever fails, hangs, closes or stops', async () => {
  await fc.assert(
    fc.asyncProperty(plan, async (plan) => {
      const [seen, expected] = await new Watched(plan).play()
      expect(seen).toEqual(expected)
    }),
    { numRuns: 250 },
  )
})
