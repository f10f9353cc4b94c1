import { AsyncTaskManager, type TaskContext } from '@heddle/async-patterns'
import fc from 'fast-check'
import { drain, type FakeClock } from './fake-clock.ts'
import { label, playScripts, same, script, withFakeTime } from './model.ts'
import { NaiveManager, type NaiveManagerOptions, type NaiveTask } from './naive-manager.js'

const signals = 2
const limit = fc.constantFrom(1, 2, 3, 5, 9)
const is = <Op extends string>(op: Op) => fc.constant(op)

const task = fc.record(
  {
    op: is('task'),
    isSubmitted: fc.boolean(),
    priority: fc.constantFrom(0, 0, 0, -1, 1),
    weight: fc.constantFrom(1, 1, 1, 2, 3),
    signal: fc.nat(signals - 1),
    timeout: limit,
    queueTimeout: fc.oneof(limit, fc.constant(0)),
  },
  { requiredKeys: ['op', 'isSubmitted', 'priority', 'weight'] },
)
const ends = fc.record({ op: is('end'), which: fc.nat(), ok: fc.boolean() })
const breaks = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: is('abort'), signal: fc.nat(signals - 1) }) },
  { weight: 4, arbitrary: fc.record({ op: is('cancel'), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ op: is('clear') }) },
)
const settings = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: is('setMax'), most: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 3, arbitrary: fc.record({ op: is('pause') }) },
  { weight: 5, arbitrary: fc.record({ op: is('resume') }) },
  { weight: 3, arbitrary: fc.record({ op: is('onIdle') }) },
  { weight: 1, arbitrary: fc.record({ op: is('drain') }) },
  { weight: 1, arbitrary: fc.record({ op: is('terminate') }) },
)
const times = fc.record({ op: is('pass'), ms: fc.integer({ min: 1, max: 6 }) })
const managerOptions = fc.record({
  maxConcurrent: fc.integer({ min: 1, max: 4 }),
  maxQueued: fc.constantFrom(0, 1, 2, 3),
  whenFull: fc.constantFrom(
    'wait' as const,
    'wait' as const,
    'reject' as const,
    'drop-oldest' as const,
    'drop-newest' as const,
  ),
  abortGrace: fc.constantFrom(1, 3, Number.POSITIVE_INFINITY),
})

type ValueOf<Arbitrary> = Arbitrary extends fc.Arbitrary<infer Value> ? Value : never
type Operation = ValueOf<typeof task | typeof ends | typeof breaks | typeof settings | typeof times>

/** A manager and its naive twin, to which the same is done. */
class Both {
  readonly #clock: FakeClock
  readonly #real: AsyncTaskManager
  readonly #naive: NaiveManager
  readonly #controllers = Array.from({ length: signals }, () => new AbortController())
  readonly #endings: Record<number, string> = {}
  readonly #begun: number[] = []
  /** Of submitted tasks, once they are given. */
  readonly #ids = new Map<number, string>()
  readonly #bodies = new Map<number, { resolve: (value: string) => void; reject: (error: unknown) => void }>()
  #maxConcurrent: number
  #lastId = 0

  constructor(options: NaiveManagerOptions, clock: FakeClock) {
    this.#clock = clock
    this.#real = new AsyncTaskManager({ ...options, maxResults: Number.POSITIVE_INFINITY })
    this.#naive = new NaiveManager(options)
    this.#maxConcurrent = options.maxConcurrent
  }

  /** What is done in one turn, and then all that follows from it. */
  async play(step: readonly Operation[]): Promise<void> {
    for (const operation of step) {
      if (operation.op === 'pass') {
        await this.#settle()
        await this.#clock.pass(operation.ms)
        this.#naive.pass(operation.ms)
      } else this.#perform(operation)
    }
    await this.#settle()
    this.#compare(step.map(({ op }) => op).join())
  }

  async #settle(): Promise<void> {
    await drain()
    this.#naive.turn()
  }

  #perform(operation: Exclude<Operation, { op: 'pass' }>): void {
    const id = ++this.#lastId
    const real = this.#real
    const naive = this.#naive
    switch (operation.op) {
      case 'task': {
        const { timeout = Number.POSITIVE_INFINITY, queueTimeout = Number.POSITIVE_INFINITY } = operation
        const weight = Math.min(operation.weight, this.#maxConcurrent)
        this.#ask({ ...operation, id, weight, timeout, queueTimeout, signal: operation.signal })
        break
      }
      case 'end': {
        const { bodies } = naive
        const chosen = bodies[operation.which % bodies.length]
        if (chosen === undefined) break
        const body = this.#bodies.get(chosen)
        if (operation.ok) body?.resolve('done')
        else body?.reject('failed')
        naive.end(chosen, operation.ok)
        break
      }
      case 'abort':
        this.#controllers[operation.signal]?.abort('aborted')
        this.#controllers[operation.signal] = new AbortController()
        naive.abort(operation.signal)
        break
      case 'cancel': {
        const chosen = [...this.#ids.keys()][operation.which % this.#ids.size]
        if (chosen === undefined) break
        const id = this.#ids.get(chosen) as string
        same('cancelTask', real.cancelTask(id, 'cancelled'), naive.cancel(chosen))
        break
      }
      case 'clear':
        same('clear', real.clear(), naive.clear())
        break
      case 'setMax':
        this.#maxConcurrent = operation.most
        real.maxConcurrent = operation.most
        naive.setMaxConcurrent(operation.most)
        break
      case 'onIdle':
        this.#follow(
          id,
          real.onIdle().then(() => 'idle'),
        )
        naive.onIdle(id)
        break
      case 'pause':
      case 'resume':
        real[operation.op]()
        naive[operation.op]()
        break
      case 'drain':
      case 'terminate':
        this.#follow(
          id,
          real[operation.op]().then(() => 'idle'),
        )
        naive[operation.op]()
        naive.onIdle(id)
    }
  }

  #ask(asked: NaiveTask): void {
    const { id, isSubmitted, signal: at } = asked
    const body = ({ signal }: TaskContext): Promise<string> => {
      if (signal.aborted) throw new Error(`${id} began although it was aborted`)
      this.#begun.push(id)
      return new Promise((resolve, reject) => this.#bodies.set(id, { resolve, reject }))
    }
    const signal = at === undefined ? undefined : this.#controllers[at]?.signal
    const options = { ...asked, signal }
    if (isSubmitted) {
      const submitted = this.#real.submitTask(body, options).then((given) => {
        this.#ids.set(id, given)
        return this.#real.getTaskResult(given)
      })
      this.#follow(id, submitted)
    } else this.#follow(id, this.#real.run(body, options))
    this.#naive.run(asked)
  }

  #follow(id: number, promise: Promise<unknown>): void {
    const settle = (ending: string) => {
      if (id in this.#endings) throw new Error(`${id} has settled twice`)
      this.#endings[id] = ending
    }
    promise.then(
      (value) => settle(value as string),
      (error: unknown) => settle(label(error)),
    )
  }

  #compare(what: string): void {
    const naive = this.#naive
    const { waitTimes, runTimes: _, droppedResults, ...stats } = this.#real.stats()
    same(`order after ${what}`, this.#begun, naive.begun)
    same(`endings after ${what}`, this.#endings, naive.endings)
    same(`statistics after ${what}`, stats, naive.stats)
    same(`ids after ${what}`, sorted(this.#ids.keys()), sorted(naive.admitted))
    same(`bodies that began and ended after ${what}`, waitTimes.count, naive.begun.length)
    same('dropped results', droppedResults, 0)
  }

  /** Ends all: nothing may be left. */
  async end(): Promise<void> {
    await this.play([{ op: 'setMax', most: 4 }, { op: 'resume' }, { op: 'drain' }])
    while (this.#naive.bodies.length > 0) await this.play([{ op: 'end', which: 0, ok: true }])
    const unsettled = Array.from({ length: this.#lastId }, (_, at) => at + 1).filter((id) => this.#isPending(id))
    same('pending in the end', unsettled, [])
    // The process is let go a turn later.
    await drain()
    await drain()
    same('timers in the end', this.#clock.timers, 0)
  }

  /** Leaves nothing to the next run, whatever has happened. */
  async giveUp(): Promise<void> {
    this.#real.terminate().catch(() => undefined)
    for (const { resolve } of this.#bodies.values()) resolve('late')
    await drain()
    await drain()
    await drain()
  }

  #isPending(id: number): boolean {
    return this.#naive.begun.includes(id) && !(id in this.#endings)
  }
}

function sorted(ids: Iterable<number>): number[] {
  return [...ids].sort((one, other) => one - other)
}

/**
 * Does in random orders the same to a manager and to its naive twin, on a clock that is moved by hand, and compares all that
 * can be seen after each turn: two who ask for tasks, one who ends them, one who aborts, cancels and clears, one who changes
 * the settings and ends it all, and the time.
 *
 * @throws an error with the seed, the steps and their order, if they differ
 */
export async function taskManagerModel(options: { runs: number; seed?: number }): Promise<void> {
  const { runs, seed } = options
  const actors = fc.tuple(
    script(task, 10),
    script(task, 10),
    script(ends, 14),
    script(breaks, 5),
    script(settings, 5),
    script(times, 6),
  )
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), managerOptions, actors, (scheduler, options, scripts) =>
      withFakeTime(async (clock) => {
        const both = new Both(options, clock)
        try {
          await playScripts<Operation>(scheduler, scripts, (step) => both.play(step))
          await both.end()
        } finally {
          await both.giveUp()
        }
      }),
    ),
    { numRuns: runs, ...(seed === undefined ? {} : { seed }) },
  )
}
