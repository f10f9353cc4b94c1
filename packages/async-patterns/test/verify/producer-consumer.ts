import {
  AsyncProducerConsumer,
  type ConsumerContext,
  type ProducerConsumerProblem,
  type ProducerConsumerReport,
  type ProducerContext,
} from '@heddle/async-patterns'
import fc from 'fast-check'
import { drain, type FakeClock } from './fake-clock.ts'
import { playScripts, withFakeTime } from './model.ts'

const is = <Op extends string>(op: Op) => fc.constant(op)
/** What a producer does at a call, and a consumer with an item. The ones that wait do so until the scheduler lets them go on. */
const moves = ['go', 'go', 'go', 'wait', 'wait', 'throw', 'stuck', 'stuckUntilStop', 'throwAtStop'] as const
type Move = (typeof moves)[number]
const script = fc.array(fc.constantFrom(...moves, 'nothing' as const), { maxLength: 6 })
const producer = fc.record({
  kind: fc.constantFrom('function', 'async function', 'generator', 'async generator'),
  script,
  endsBy: fc.constantFrom('return', 'throw', 'finally throws', 'finally is stuck'),
})
const consumer = fc.array(fc.constantFrom(...moves), { minLength: 1, maxLength: 4 })
const stop = fc.record(
  { op: is('stop'), drain: fc.boolean(), timeout: fc.constantFrom(0, 2, 10, Number.POSITIVE_INFINITY) },
  { requiredKeys: ['op'] },
)
const event = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: is('pass'), ms: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 2, arbitrary: stop },
  { weight: 1, arbitrary: fc.record({ op: is('addProducer'), producer }) },
  { weight: 1, arbitrary: fc.record({ op: is('addConsumer'), consumer }) },
)
const settings = fc.record({
  queueSize: fc.constantFrom(1, 2, 5, Number.POSITIVE_INFINITY),
  maxAttempts: fc.integer({ min: 1, max: 3 }),
  abortGrace: fc.constantFrom(0, 5, 20),
  minDelay: fc.constantFrom(0, 3),
})
const plan = fc.record({
  settings,
  producers: fc.array(producer, { maxLength: 3 }),
  consumers: fc.array(consumer, { maxLength: 3 }),
  events: fc.array(event, { maxLength: 8 }),
})
type ValueOf<Arbitrary> = Arbitrary extends fc.Arbitrary<infer Value> ? Value : never
type Plan = ValueOf<typeof plan>
type Event = ValueOf<typeof event>
type ProducerPlan = ValueOf<typeof producer>
/** Who brought it, and its number among that one's items. */
interface Item {
  readonly by: number
  readonly number: number
}

/** One system from its start on, and what its producers and consumers have seen. */
class Watched {
  readonly #scheduler: fc.Scheduler
  readonly #clock: FakeClock
  readonly #plan: Plan
  readonly #system: AsyncProducerConsumer<Item>
  readonly #brought = new Set<Item>()
  readonly #late = new Set<Item>()
  readonly #consumed = new Set<Item>()
  /** How often each item was given to a consumer. */
  readonly #given = new Map<Item, number>()
  readonly #lastGiven = new Map<number, number>()
  readonly #letGo: (() => void)[] = []
  readonly #violations: string[] = []
  readonly #stops: Promise<unknown>[] = []
  #producers = 0
  #mayHandBack = false
  #report: ProducerConsumerReport<Item> | undefined

  constructor(scheduler: fc.Scheduler, clock: FakeClock, plan: Plan) {
    this.#scheduler = scheduler
    this.#clock = clock
    this.#plan = plan
    const onError = (problem: ProducerConsumerProblem<Item>) => this.#onError(problem)
    this.#system = new AsyncProducerConsumer<Item>({ ...plan.settings, jitter: 0, onError })
    for (const producer of plan.producers) this.#addProducer(producer)
    for (const consumer of plan.consumers) this.#addConsumer(consumer)
    // With nobody to consume, what ends is handed back.
    this.#mayHandBack = plan.consumers.length === 0
    void this.#system.start().then((report) => {
      this.#report = report
    })
  }

  async perform(event: Event): Promise<void> {
    switch (event.op) {
      case 'pass':
        await this.#clock.pass(event.ms)
        break
      case 'stop':
        if (event.drain === false || (event.timeout ?? Number.POSITIVE_INFINITY) < Number.POSITIVE_INFINITY)
          this.#mayHandBack = true
        this.#stops.push(this.#system.stop(event))
        break
      case 'addProducer':
        this.#addProducer(event.producer)
        break
      case 'addConsumer':
        this.#addConsumer(event.consumer)
    }
    await drain()
    this.check()
  }

  /** Lets time pass that is more than enough: those who are stuck stay so. */
  async end(): Promise<void> {
    const { abortGrace } = this.#plan.settings
    await this.#clock.pass(2 * abortGrace + 2)
    this.check()
    const mayHandBack = this.#mayHandBack || this.#report === undefined
    await this.perform({ op: 'stop', drain: false })
    await this.#clock.pass(abortGrace + 1)
    await drain()
    await drain()
    const report = this.#report
    if (report === undefined) throw new Error('it has not ended')
    await Promise.all(this.#stops)
    if (this.#clock.timers > 0) throw new Error(`${this.#clock.timers} timers are left`)
    if (!mayHandBack && report.undelivered.length > 0)
      throw new Error(`${fc.stringify(report.undelivered)} handed back by a drain without a limit`)
    const before = fc.stringify(report)
    for (let letGo = this.#letGo.pop(); letGo !== undefined; letGo = this.#letGo.pop()) {
      letGo()
      await drain()
    }
    while (this.#scheduler.count() > 0) await this.#scheduler.waitOne()
    await drain()
    if (fc.stringify(report) !== before) throw new Error(`the report ${before} has become ${fc.stringify(report)}`)
    if (this.#clock.timers > 0) throw new Error(`${this.#clock.timers} timers were set after the end`)
    this.check()
    this.#balance(report)
  }

  check(): void {
    if (this.#violations.length > 0) throw new Error(this.#violations.join('; '))
    const { queueSize } = this.#plan.settings
    const waiting = this.#brought.size - this.#late.size - this.#given.size
    // Each producer may have one that is being put.
    if (this.#report === undefined && waiting > queueSize + this.#producers) throw new Error(`${waiting} items wait`)
  }

  /** Each item has exactly one fate. */
  #balance(report: ProducerConsumerReport<Item>): void {
    const { produced, consumed, failed, failures, undelivered } = report
    const fates = [...this.#consumed, ...failures.map(({ item }) => item), ...undelivered, ...this.#late]
    const isOnceEach = fates.length === this.#brought.size && fates.every((item) => this.#brought.has(item))
    if (new Set(fates).size !== fates.length || !isOnceEach)
      throw new Error(
        `brought ${fc.stringify([...this.#brought])}, but ${fc.stringify(fates)}: ${fc.stringify(report)}`,
      )
    const counts = [produced, consumed, failed]
    const expected = [this.#brought.size - this.#late.size, this.#consumed.size, failures.length]
    if (counts.join() !== expected.join()) throw new Error(`counted ${counts.join()}, not ${expected.join()}`)
  }

  #onError({ role, error, item }: ProducerConsumerProblem<Item>): void {
    if (role === 'producer' && item !== undefined) {
      if ((error as { code?: unknown }).code !== 'ERR_CLOSED') this.#violations.push('late without ERR_CLOSED')
      this.#late.add(item)
    } else if (this.#report !== undefined) this.#violations.push(`a ${role} was listened to after the end`)
  }

  #addConsumer(script: readonly Move[]): void {
    let calls = 0
    let isBusy = false
    this.#system.addConsumer(async (item, context: ConsumerContext) => {
      if (isBusy) this.#violations.push('a consumer was called while it had an item')
      if (context.signal.aborted) this.#violations.push('a consumer was called after the stop')
      if (this.#report !== undefined) this.#violations.push('a consumer was called after the end')
      const given = (this.#given.get(item) ?? 0) + 1
      if (given !== context.attempt || given > this.#plan.settings.maxAttempts)
        this.#violations.push(`attempt ${context.attempt} is the ${given}th time`)
      if (given === 1 && item.number <= (this.#lastGiven.get(item.by) ?? -1)) this.#violations.push('out of order')
      if (given === 1) this.#lastGiven.set(item.by, item.number)
      this.#given.set(item, given)
      isBusy = true
      try {
        await this.#make(script[calls++ % script.length] ?? 'go', context.signal)
        if (this.#report === undefined) this.#consumed.add(item)
      } finally {
        isBusy = false
      }
    })
  }

  #addProducer(plan: ProducerPlan): void {
    const by = this.#producers++
    let number = 0
    const bring = (): Item => {
      const item = { by, number: number++ }
      this.#brought.add(item)
      return item
    }
    const checkCall = ({ signal }: ProducerContext) => {
      if (signal.aborted) this.#violations.push('a producer was called after the stop')
      return signal
    }
    const { script } = plan
    let calls = 0
    switch (plan.kind) {
      case 'function':
        this.#system.addProducer((context: ProducerContext) => {
          const signal = checkCall(context)
          const move = script[calls++] ?? 'nothing'
          if (move === 'go') return bring()
          if (move === 'nothing') return undefined
          if (move === 'throw') throw new Error('a producer')
          return this.#make(move, signal).then(bring)
        })
        break
      case 'async function':
        this.#system.addProducer(async (context: ProducerContext) => {
          const signal = checkCall(context)
          const move = script[calls++] ?? 'nothing'
          if (move === 'nothing') return undefined
          await this.#make(move, signal)
          return bring()
        })
        break
      case 'generator':
        this.#system.addProducer(function* (context: ProducerContext) {
          checkCall(context)
          try {
            for (const move of script)
              if (move === 'throw') throw new Error('a generator')
              else if (move !== 'nothing') yield bring()
          } finally {
            if (plan.endsBy === 'finally throws') fail('at its end')
          }
        })
        break
      case 'async generator': {
        const make = (move: Move, signal: AbortSignal) => this.#make(move, signal)
        this.#system.addProducer(async function* (context: ProducerContext) {
          const signal = checkCall(context)
          try {
            for (const move of script)
              if (move !== 'nothing') {
                await make(move, signal)
                yield bring()
              }
            if (plan.endsBy === 'throw') throw new Error('a generator')
          } finally {
            if (plan.endsBy === 'finally throws') fail('at its end')
            if (plan.endsBy === 'finally is stuck') await make('stuck', signal)
          }
        })
      }
    }
  }

  async #make(move: Move, signal: AbortSignal): Promise<void> {
    if (move === 'throw') throw new Error('a failure')
    if (move === 'wait') await this.#scheduler.schedule(Promise.resolve(), 'goes on')
    if (move === 'stuck') await new Promise<void>((resolve) => this.#letGo.push(resolve))
    if (move === 'stuckUntilStop' || move === 'throwAtStop')
      await new Promise<void>((_, reject) => {
        const giveUp = () => reject(move === 'throwAtStop' ? new Error('at the stop') : signal.reason)
        if (signal.aborted) giveUp()
        else signal.addEventListener('abort', giveUp)
      })
  }
}

function fail(message: string): never {
  throw new Error(message)
}

/**
 * Runs systems of random producers and consumers that wait, throw, are stuck, or give up when they are told to, in random
 * orders, on a clock that is moved by hand; stops them in all ways. Each item that a producer has brought must have exactly
 * one fate, the order of each producer be kept, the queue be bounded, nobody be called after the stop, and the system end
 * in time, without timers.
 *
 * @throws an error with the seed, the plan and its order, if one of these is not so
 */
export async function producerConsumerModel(options: { runs: number; seed?: number }): Promise<void> {
  const { runs, seed } = options
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), plan, (scheduler, plan) =>
      withFakeTime(async (clock) => {
        const watched = new Watched(scheduler, clock, plan)
        const step = async (events: readonly Event[]) => {
          for (const event of events) await watched.perform(event)
        }
        await playScripts(scheduler, [plan.events.map((event) => [event])], step)
        await watched.end()
      }),
    ),
    { numRuns: runs, ...(seed === undefined ? {} : { seed }) },
  )
}
