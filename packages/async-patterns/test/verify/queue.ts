import { AsyncQueue } from '@heddle/async-patterns'
import fc from 'fast-check'
import { drain, type FakeClock } from './fake-clock.ts'
import { label, playScripts, type Script, same, script, withFakeTime } from './model.ts'
import { NaiveQueue } from './naive-queue.js'

const signals = 3
const timeout = fc.constantFrom(0, 1, 2, 3, 5, Number.POSITIVE_INFINITY)
const signal = fc.nat(signals - 1)
const most = fc.integer({ min: 1, max: 4 })
const is = <Op extends string>(op: Op) => fc.constant(op)

const puts = fc.oneof(
  { weight: 8, arbitrary: fc.record({ op: is('put'), signal, timeout }, { requiredKeys: ['op'] }) },
  { weight: 3, arbitrary: fc.record({ op: is('tryPut') }) },
)
const gets = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: is('get'), signal, timeout }, { requiredKeys: ['op'] }) },
  { weight: 3, arbitrary: fc.record({ op: is('getMany'), most, signal, timeout }, { requiredKeys: ['op', 'most'] }) },
  { weight: 3, arbitrary: fc.record({ op: is('next') }) },
  { weight: 3, arbitrary: fc.record({ op: is('tryGet') }) },
)
const events = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: is('abort'), signal }) },
  { weight: 6, arbitrary: fc.record({ op: is('taskDone'), count: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 4, arbitrary: fc.record({ op: is('join'), signal, timeout }, { requiredKeys: ['op'] }) },
  { weight: 2, arbitrary: fc.record({ op: is('clear') }) },
  { weight: 1, arbitrary: fc.record({ op: is('close'), withReason: fc.boolean() }) },
)
const times = fc.record({ op: is('pass'), ms: fc.integer({ min: 1, max: 4 }) })
type ValueOf<Arbitrary> = Arbitrary extends fc.Arbitrary<infer Value> ? Value : never
type Operation = ValueOf<typeof puts> | ValueOf<typeof gets> | ValueOf<typeof events> | ValueOf<typeof times>

const mixed: fc.Arbitrary<Operation> = fc.oneof<fc.Arbitrary<Operation>[]>(puts, gets, events)
const actors: fc.Arbitrary<readonly Script<Operation>[]> = fc.tuple(
  script(puts, 8),
  script(gets, 8),
  script(mixed, 8),
  script(times, 6),
)

/** A queue and its naive twin, to which the same is done. */
class Both {
  readonly #clock: FakeClock
  readonly #real: AsyncQueue<number>
  readonly #naive: NaiveQueue
  readonly #controllers = Array.from({ length: signals }, () => new AbortController())
  readonly #endings: Record<number, unknown> = {}
  #outcomes: [unknown[], unknown[]] = [[], []]
  #lastId = 0

  constructor(capacity: number, clock: FakeClock) {
    this.#clock = clock
    this.#real = new AsyncQueue({ capacity })
    this.#naive = new NaiveQueue(capacity)
  }

  async perform(step: readonly Operation[]): Promise<void> {
    for (const operation of step)
      if (operation.op === 'pass') await this.#pass(operation.ms)
      else this.#do(operation)
    await drain()
    // What keeps the process alive looks again a turn later.
    await drain()
    this.#naive.settle()
    this.#compare(step.map(({ op }) => op).join())
  }

  /** Whatever was put must come out or be cleared, and be done with; then nobody waits any more. */
  async end(): Promise<void> {
    await this.perform([{ op: 'close', withReason: false }, { op: 'clear' }])
    const { unfinished } = this.#naive
    if (unfinished > 0) await this.perform([{ op: 'taskDone', count: unfinished }])
    same('timers in the end', this.#clock.timers, 0)
  }

  async #pass(ms: number): Promise<void> {
    await drain()
    this.#naive.settle()
    await this.#clock.pass(ms)
    this.#naive.pass(ms)
  }

  #do(operation: Exclude<Operation, { readonly op: 'pass' }>): void {
    const id = ++this.#lastId
    const real = this.#real
    const naive = this.#naive
    switch (operation.op) {
      case 'put':
        this.#follow(id, real.put(id, this.#options(operation)), () => 'put')
        naive.put(id, operation.signal, operation.timeout)
        break
      case 'tryPut':
        this.#note(() => real.tryPut(id), naive.tryPut(id))
        break
      case 'get':
        this.#follow(id, real.get(this.#options(operation)), (item) => item)
        naive.get(id, 'get', 1, operation.signal, operation.timeout)
        break
      case 'getMany':
        this.#follow(id, real.getMany(operation.most, this.#options(operation)), (items) => items)
        naive.get(id, 'getMany', operation.most, operation.signal, operation.timeout)
        break
      case 'next':
        this.#follow(id, real[Symbol.asyncIterator]().next(), ({ done, value }) => (done ? 'done' : value))
        naive.get(id, 'next', 1, undefined, undefined)
        break
      case 'tryGet':
        this.#note(() => {
          const taken = real.tryGet()
          return taken === undefined ? undefined : [taken.item]
        }, naive.tryGet())
        break
      case 'abort':
        this.#controllers[operation.signal]?.abort('aborted')
        this.#controllers[operation.signal] = new AbortController()
        naive.abort(operation.signal)
        break
      case 'taskDone':
        this.#note(() => real.taskDone(operation.count), naive.taskDone(operation.count))
        break
      case 'join':
        this.#follow(id, real.join(this.#options(operation)), () => 'joined')
        naive.join(id, operation.signal, operation.timeout)
        break
      case 'clear':
        this.#note(() => real.clear(), naive.clear())
        break
      case 'close':
        real.close(operation.withReason ? 'the source failed' : undefined)
        naive.close(operation.withReason)
    }
  }

  /** Undefined when there is nothing to say: that is a way of its own in the queue. */
  #options(operation: { readonly signal?: number; readonly timeout?: number }) {
    const { signal, timeout } = operation
    if (signal === undefined && timeout === undefined) return undefined
    return { timeout, signal: signal === undefined ? undefined : this.#controllers[signal]?.signal }
  }

  #follow<Value>(id: number, promise: Promise<Value>, ending: (value: Value) => unknown): void {
    const end = (as: unknown) => {
      if (id in this.#endings) throw new Error(`${id} has ended twice`)
      this.#endings[id] = as
    }
    promise.then(
      (value) => end(ending(value)),
      (reason: unknown) => end(label(reason)),
    )
  }

  #note(call: () => unknown, naive: unknown): void {
    let outcome: unknown
    try {
      outcome = call()
    } catch (error) {
      outcome = label(error)
    }
    this.#outcomes[0].push(outcome)
    this.#outcomes[1].push(naive)
  }

  #compare(step: string): void {
    const naive = this.#naive
    const { size, putCount, getCount, highestSize, waitingPuts, waitingGets, unfinished } = this.#real.getStats()
    same(`endings after ${step}`, this.#endings, naive.endings)
    same(`outcomes after ${step}`, ...this.#outcomes)
    this.#outcomes = [[], []]
    same(
      `state after ${step}`,
      { size, putCount, getCount, highestSize, waitingPuts, waitingGets, unfinished, timers: this.#clock.timers },
      {
        size: naive.items.length,
        putCount: naive.putCount,
        getCount: naive.putCount - naive.items.length,
        highestSize: naive.highestSize,
        waitingPuts: naive.puts.length,
        waitingGets: naive.gets.length,
        unfinished: naive.unfinished,
        timers: naive.timers,
      },
    )
  }
}

/**
 * Does in random orders the same to a queue and to its naive twin, on a clock that is moved by hand, and compares all that can
 * be seen after each turn: who puts, who gets in all forms, who aborts, joins, clears and closes, and the time. In one turn
 * there are up to three calls, so that an abort, a timeout and a grant meet.
 *
 * @throws an error with the seed, the steps and their order, if they differ
 */
export async function queueModel(options: { runs: number; seed?: number }): Promise<void> {
  const { runs, seed } = options
  const capacity = fc.constantFrom(1, 2, 3, 20, Number.POSITIVE_INFINITY)
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), capacity, actors, (scheduler, capacity, actors) =>
      withFakeTime(async (clock) => {
        const both = new Both(capacity, clock)
        await playScripts(scheduler, actors, (step) => both.perform(step))
        await both.end()
      }),
    ),
    { numRuns: runs, ...(seed === undefined ? {} : { seed }) },
  )
}
