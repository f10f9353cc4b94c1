import { getEventListeners } from 'node:events'
import type { Boundary } from '@heddle/codec'
import { defineTask, type PoolManager, type PoolOptions, type Task } from '@heddle/pool-core'
import fc from 'fast-check'
import { type FakeTime, withFakeTime } from './fake-time.ts'
import { type FakeWorker, FakeWorkers } from './fake-workers.ts'
import { isProcessHeld } from './keep-alive.ts'

const define = (name: string, policy?: Parameters<typeof defineTask>[3]) =>
  defineTask('file:///model-tasks.mjs', name, (number: number) => number, policy)

/** Fake workers run them, so only what a pool may do with them matters. */
const tasks = {
  once: define('once'),
  again: define('again', { idempotent: true }),
  retried: define('retried', { idempotent: true, retries: { errors: 1, crashes: 1, timeouts: 1 } }),
}

const signals = 2
const task = fc.constantFrom('once' as const, 'once' as const, 'again' as const, 'retried' as const)
const which = fc.nat(6)
const is = <Kind extends string>(...kinds: Kind[]) => fc.constantFrom(...kinds)

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record(
      {
        kind: is('run', 'submit'),
        task,
        count: fc.constantFrom(1, 1, 2, 7),
        timeout: fc.integer({ min: 0, max: 30 }),
        signal: fc.nat(signals - 1),
        priority: fc.constantFrom(-1, 1, 2),
      },
      { requiredKeys: ['kind', 'task', 'count'] },
    ),
  },
  {
    weight: 2,
    arbitrary: fc.record(
      {
        kind: is('map'),
        task,
        items: fc.nat(12),
        chunkSize: fc.constantFrom('auto' as const, 1, 4, 20),
        concurrency: fc.integer({ min: 1, max: 9 }),
        ordered: fc.boolean(),
        timeout: fc.integer({ min: 1, max: 30 }),
        signal: fc.nat(signals - 1),
        reads: fc.nat(6),
      },
      { requiredKeys: ['kind', 'task', 'items', 'ordered'] },
    ),
  },
  { weight: 1, arbitrary: fc.record({ kind: is('stream'), reads: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: is('broadcast'), task }) },
  {
    weight: 16,
    arbitrary: fc.record({
      kind: is('begin', 'answer', 'answer', 'answer', 'answerAll', 'fail', 'flush', 'listen', 'chunk', 'leak'),
      which,
      ms: fc.constantFrom(0, 0.01, 1, 50),
    }),
  },
  { weight: 8, arbitrary: fc.record({ kind: is('ready', 'killed', 'crash', 'startFails'), which }) },
  { weight: 3, arbitrary: fc.record({ kind: is('cancel'), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: is('abort'), signal: fc.nat(signals - 1) }) },
  { weight: 3, arbitrary: fc.record({ kind: is('pass'), ms: fc.constantFrom(1, 5, 20, 21, 60) }) },
  { weight: 2, arbitrary: fc.record({ kind: is('pause', 'resume', 'resume') }) },
  { weight: 1, arbitrary: fc.record({ kind: is('clear') }) },
  { weight: 1, arbitrary: fc.record({ kind: is('drain', 'terminate') }) },
)
type Step = typeof step extends fc.Arbitrary<infer Each> ? Each : never

const settings = fc.record({
  maxWorkers: fc.integer({ min: 1, max: 3 }),
  maxQueued: fc.constantFrom(0, 1, 2, 1_000),
  whenFull: fc.constantFrom('wait' as const, 'wait' as const, 'reject' as const, 'drop-oldest' as const),
  maxTasksPerWorker: fc.constantFrom(1, 3, 1_000, Number.POSITIVE_INFINITY),
  minWorkers: fc.constantFrom(0, 0, 1),
  idleTimeout: fc.constantFrom(Number.POSITIVE_INFINITY, 40),
  abortGrace: fc.constantFrom(0, 10),
  startTimeout: fc.constantFrom(50, 60_000),
})

const nextTurn = () =>
  new Promise<void>((resolve) => {
    setImmediate(resolve)
  })

/** One pool, and what was asked of it. */
class World {
  readonly fakes: FakeWorkers
  readonly pool: PoolManager
  readonly options: PoolOptions
  readonly #time: FakeTime
  readonly #controllers = Array.from({ length: signals }, () => new AbortController())
  /** All promises that the pool has given, by what they are for. */
  readonly #pending = new Set<string>()
  /** Runs that have settled, by their number, and those of them that had before the last step. */
  readonly #over = new Set<number>()
  #overBefore = new Set<number>()
  readonly #broadcasts = new Set<number>()
  readonly #ids: string[] = []
  #numbers = 0
  #ends = 0
  #maps = 0
  /** Runs and items that the pool was given. */
  #given = 0
  #isPlain = true
  #checked = 0
  isEnding = false

  constructor(boundary: Boundary, options: PoolOptions, time: FakeTime) {
    this.fakes = new FakeWorkers(boundary, { readyAtOnce: false, killsAtOnce: false })
    this.options = options
    this.pool = this.fakes.pool(options)
    this.#time = time
  }

  #follow(what: string, promise: Promise<unknown>, numbers: () => readonly number[]): void {
    if (this.#pending.has(what)) throw new Error(`${what} was asked for twice`)
    this.#pending.add(what)
    const settle = () => {
      if (!this.#pending.delete(what)) throw new Error(`${what} has settled twice`)
      for (const number of numbers()) this.#over.add(number)
    }
    promise.then(settle, settle)
  }

  #next(): number {
    this.#numbers += 1
    this.#given += 1
    return this.#numbers
  }

  #signal(index: number | undefined): AbortSignal | undefined {
    return index === undefined ? undefined : this.#controllers[index]?.signal
  }

  /** One of the workers for which this can happen. */
  #pick(index: number, fits: (worker: FakeWorker) => boolean): FakeWorker | undefined {
    const fitting = this.fakes.alive.filter(fits)
    return fitting[index % Math.max(1, fitting.length)]
  }

  take(each: Step): void {
    switch (each.kind) {
      case 'run':
      case 'submit':
        for (let count = 0; count < each.count; count += 1) this.#submit(each)
        break
      case 'map':
        this.#map(each)
        break
      case 'stream':
        this.#stream(each.reads)
        break
      case 'broadcast': {
        this.#isPlain = false
        const number = this.#next()
        this.#broadcasts.add(number)
        this.#given += (this.options.maxWorkers as number) - 1
        this.#follow(`broadcast ${number}`, this.pool.broadcast(tasks[each.task], [number]), () => [])
        break
      }
      case 'begin':
      case 'answer':
      case 'answerAll':
      case 'fail':
      case 'flush':
      case 'listen':
      case 'chunk':
      case 'leak':
        this.#work(
          each.kind,
          this.#pick(each.which, ({ parcels, kills }) => parcels.length > 0 && kills === 0),
          each.ms,
        )
        break
      case 'ready':
        this.#pick(each.which, ({ isReady, kills }) => !isReady && kills === 0)?.ready()
        break
      case 'startFails':
        this.#pick(each.which, ({ isReady }) => !isReady)?.die()
        break
      case 'killed':
        this.#pick(each.which, ({ isKilling }) => isKilling)?.killed()
        break
      case 'crash':
        this.#pick(each.which, ({ isReady }) => isReady)?.die()
        break
      case 'cancel': {
        const id = this.#ids[each.which]
        if (id !== undefined) this.pool.cancelTask(id)
        break
      }
      case 'abort':
        this.#controllers[each.signal]?.abort(new Error('aborted'))
        break
      case 'pass':
        this.#time.pass(each.ms)
        break
      case 'pause':
      case 'resume':
        if (!this.isEnding) this.pool[each.kind]()
        break
      case 'clear':
        this.pool.clear()
        break
      case 'drain':
      case 'terminate':
        this.isEnding = true
        this.#ends += 1
        this.#follow(`end ${this.#ends}`, this.pool[each.kind](), () => [])
        break
    }
  }

  #submit({ kind, task: name, timeout, signal, priority }: Extract<Step, { kind: 'run' | 'submit' }>): void {
    const number = this.#next()
    const limits = { timeout, signal: this.#signal(signal), priority }
    const options = timeout === undefined && signal === undefined && priority === undefined ? undefined : limits
    if (kind === 'run') this.#follow(`run ${number}`, this.pool.run(tasks[name], [number], options), () => [number])
    else {
      const submitted = this.pool.submitTask(tasks[name], [number], options)
      const taken = submitted.then((id) => {
        this.#ids.push(id)
        return this.pool.getTaskResult(id)
      })
      this.#follow(`task ${number}`, taken, () => [number])
    }
  }

  #map({ task: name, items, reads, ...options }: Extract<Step, { kind: 'map' }>): void {
    this.#isPlain = false
    const { chunkSize, timeout, signal, concurrency, ordered } = options
    const numbers: number[] = []
    const pull = () => {
      numbers.push(this.#next())
      return numbers.at(-1) as number
    }
    function* input() {
      for (let item = 0; item < items; item += 1) yield pull()
    }
    const results = this.pool.map(tasks[name], input(), {
      chunkSize: timeout === undefined ? chunkSize : undefined,
      timeout,
      concurrency,
      ordered,
      signal: this.#signal(signal),
    })
    const read = async () => {
      for (let index = 0; index < (reads ?? 0); index += 1) if ((await results.next()).done) break
      await results.return()
    }
    this.#maps += 1
    this.#follow(`map ${this.#maps}`, reads === undefined ? results.toArray() : read(), () => numbers)
  }

  #stream(reads: number): void {
    const number = this.#next()
    const values = this.pool.stream(tasks.once as unknown as Task<(n: number) => Iterable<number>>, [number])
    const read = async () => {
      for (let index = 0; index < reads; index += 1) if ((await values.next()).done) break
      await values.return?.()
    }
    this.#follow(`stream ${number}`, read(), () => [number])
  }

  #work(kind: Extract<Step, { which: number; ms: number }>['kind'], worker: FakeWorker | undefined, ms: number): void {
    if (!worker?.isReady) return
    this.fakes.ms = ms
    const message = worker.parcels[0]?.message
    const isRunning = worker.running !== undefined
    switch (kind) {
      case 'begin':
        if (!isRunning) worker.begin()
        break
      case 'answerAll':
        worker.answerAll()
        break
      case 'flush':
        worker.flush()
        break
      case 'listen':
      case 'chunk':
        if (isRunning && message?.type === 'call') {
          if (kind === 'listen') worker.listen()
          else if (message.credits !== undefined) worker.chunk('value')
        }
        break
      default:
        if (!isRunning && !worker.begin()) break
        if (kind === 'answer') worker.answer()
        else worker[kind](new Error(kind))
    }
  }

  /** What must hold at all times. */
  check(): void {
    const { fakes, options, pool } = this
    if (fakes.violations.length > 0) throw new Error(fakes.violations.join('; '))
    const alive = fakes.alive.length
    if (alive > (options.maxWorkers as number)) throw new Error(`${alive} workers are alive`)
    this.#checkBegun()
    const stats = pool.stats()
    const { running, queued, waitingForRoom, idleWorkers } = stats
    for (const [name, count] of Object.entries({ running, queued, waitingForRoom }))
      if (count < 0) throw new Error(`${name} is ${count}`)
    const total = this.#settledOf(stats) + running + queued + waitingForRoom
    if (this.#isPlain && total !== this.#given) throw new Error(`${this.#given} runs were given, ${total} are counted`)
    if (pool.paused || stats.workers === 0) return
    if (queued > 0 && idleWorkers > 0) throw new Error(`${queued} wait, and ${idleWorkers} workers have nothing to do`)
    const starting = fakes.alive.filter(({ isReady, kills }) => !isReady && kills === 0).length
    const empty = (options.maxWorkers as number) - alive
    if (empty > 0 && starting < queued) throw new Error(`${queued} wait, ${starting} workers start, ${empty} do not`)
    if (waitingForRoom > 0 && queued < (options.maxQueued as number))
      throw new Error(`${waitingForRoom} wait for room, and there is some`)
  }

  #settledOf(stats: ReturnType<PoolManager['stats']>): number {
    const { succeeded, failed, cancelled, timedOut, dropped, refused } = stats
    return succeeded + failed + cancelled + timedOut + dropped + refused
  }

  /** No run begins twice, or after it has settled, that may not. Between processes what was sent may have begun. */
  #checkBegun(): void {
    const { fakes } = this
    const { maxWorkers } = this.options
    const isThread = fakes.boundary === 'thread'
    const counts = new Map<unknown, number>()
    const begun = isThread
      ? fakes.begun.filter((run) => run.task === 'once').map(({ argument }) => argument)
      : fakes.workers.flatMap(({ envelopes, tasksOf }) => envelopes.filter((_, at) => tasksOf[at] === 'once').flat())
    for (const argument of begun) counts.set(argument, (counts.get(argument) ?? 0) + 1)
    for (const [argument, count] of counts)
      if (count > (this.#broadcasts.has(argument as number) ? (maxWorkers as number) : 1))
        throw new Error(`run ${String(argument)} has begun ${count} times`)
    if (isThread)
      for (const { argument } of fakes.begun.slice(this.#checked))
        if (this.#overBefore.has(argument as number)) throw new Error(`run ${String(argument)} has begun after its end`)
    this.#checked = fakes.begun.length
    this.#overBefore = new Set(this.#over)
  }

  /** Workers do what they should until all has ended. */
  async finish(): Promise<void> {
    this.take({ kind: 'resume' })
    this.fakes.ms = 1
    this.take({ kind: 'drain' })
    for (let round = 0; this.#pending.size > 0; round += 1) {
      if (round === 200) throw new Error(`never settles: ${[...this.#pending].join(', ')}`)
      for (const worker of this.fakes.alive) {
        worker.ready()
        if (worker.isKilling) worker.killed()
        else worker.answerAll()
      }
      await nextTurn()
      this.#time.pass(25)
      await nextTurn()
      this.check()
    }
  }

  async terminate(): Promise<void> {
    this.take({ kind: 'terminate' })
    await nextTurn()
    for (const worker of this.fakes.alive) worker.killed()
    await nextTurn()
    await nextTurn()
  }

  /** What must hold when the pool has ended. */
  checkEnd(): void {
    if (this.#pending.size > 0) throw new Error(`has not settled: ${[...this.#pending].join(', ')}`)
    const stats = this.pool.stats()
    const settled = this.#settledOf(stats)
    if (settled !== this.#given) throw new Error(`${this.#given} runs were given, ${settled} have settled`)
    if (stats.running + stats.queued + stats.waitingForRoom !== 0) throw new Error('something is left in the pool')
    for (const { signal } of this.#controllers)
      if (getEventListeners(signal, 'abort').length > 0) throw new Error('a listener is left')
    if (this.#time.timers > 0) throw new Error(`${this.#time.timers} timers are left`)
    if (this.fakes.alive.length > 0) throw new Error('a worker is left')
    if (isProcessHeld()) throw new Error('the process is still held')
  }
}

/** Whatever happens in whatever order: a pool over workers that begin, answer and end as the schedule says. */
export async function schedulerModel({ runs, seed }: { readonly runs: number; readonly seed?: number }): Promise<void> {
  const schedules = fc.asyncProperty(
    fc.constantFrom('thread' as const, 'process' as const),
    settings,
    fc.array(step, { maxLength: 60, size: 'max' }),
    fc.boolean(),
    (boundary, options, steps, isTerminated) =>
      withFakeTime(async (time) => {
        const { minWorkers, maxWorkers } = options
        const world = new World(boundary, { ...options, minWorkers: Math.min(minWorkers, maxWorkers) }, time)
        try {
          for (const each of steps) {
            world.take(each)
            await nextTurn()
            world.check()
          }
          if (isTerminated) await world.terminate()
          else await world.finish()
          world.checkEnd()
        } finally {
          await world.fakes.end()
        }
      }),
  )
  await fc.assert(schedules, { numRuns: runs, ...(seed === undefined ? {} : { seed }) })
}
