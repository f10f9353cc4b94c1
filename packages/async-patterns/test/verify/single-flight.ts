import { singleFlight } from '@heddle/async-patterns'
import fc from 'fast-check'
import type { FakeClock } from './fake-clock.ts'
import { label, playScripts, same, script, settle, withFakeTime } from './model.ts'

const signals = 3
const keys = 2
const is = <Op extends string>(op: Op) => fc.constant(op)

const calls = fc.record(
  {
    op: is('call'),
    key: fc.nat(keys - 1),
    signal: fc.nat(signals - 1),
    timeout: fc.constantFrom(0, 1, 3, 7, 20, Number.POSITIVE_INFINITY),
  },
  { requiredKeys: ['op', 'key'] },
)
const endings = fc.record({ op: is('end'), which: fc.nat(), ok: fc.boolean() })
const aborts = fc.record({ op: is('abort'), signal: fc.nat(signals - 1) })
const times = fc.record({ op: is('pass'), ms: fc.integer({ min: 1, max: 8 }) })
/** What the function does when it is called for the first, second, … time with a key. */
const modes = fc.array(fc.constantFrom('later', 'later', 'later', 'value', 'throw'), { minLength: 1, maxLength: 5 })

type ValueOf<Arbitrary> = Arbitrary extends fc.Arbitrary<infer Value> ? Value : never
type Operation = ValueOf<typeof calls> | ValueOf<typeof endings> | ValueOf<typeof aborts> | ValueOf<typeof times>

interface NaiveCaller {
  readonly id: number
  readonly key: number
  readonly signal: number | undefined
  readonly deadline: number
}

interface NaiveFlight {
  readonly key: number
  readonly number: number
  waiters: NaiveCaller[]
  successors: NaiveCaller[]
  aborted: boolean
  outcome: 'ok' | 'error' | undefined
}

/** The obvious slow twin: lists that are searched, and a clock that is moved by hand. */
class NaiveFlights {
  readonly endings: Record<number, string> = {}
  readonly begun: number[] = Array.from({ length: keys }, () => 0)
  flights: NaiveFlight[] = []
  now = 0
  readonly #modes: readonly string[]

  constructor(modes: readonly string[]) {
    this.#modes = modes
  }

  get callers(): NaiveCaller[] {
    return this.flights.flatMap(({ waiters, successors }) => [...waiters, ...successors])
  }

  /** One for each caller with a timeout, one for all others together. */
  get timers(): number {
    const timed = this.callers.filter(({ deadline }) => deadline !== Number.POSITIVE_INFINITY).length
    return timed + (timed < this.callers.length ? 1 : 0)
  }

  call(caller: NaiveCaller): void {
    if (caller.deadline <= this.now) {
      this.endings[caller.id] = 'ERR_TIMEOUT'
      return
    }
    const flight = this.flights.find(({ key }) => key === caller.key) ?? this.#begin(caller.key)
    if (flight.aborted) flight.successors.push(caller)
    else flight.waiters.push(caller)
  }

  #begin(key: number): NaiveFlight {
    const number = this.begun[key] as number
    this.begun[key] = number + 1
    const mode = this.#modes[number % this.#modes.length]
    const outcome = mode === 'value' ? 'ok' : mode === 'throw' ? 'error' : undefined
    const flight: NaiveFlight = { key, number, waiters: [], successors: [], aborted: false, outcome }
    this.flights.push(flight)
    return flight
  }

  leave(leaves: (caller: NaiveCaller) => boolean, ending: string): void {
    for (const flight of this.flights) {
      for (const { id } of [...flight.waiters, ...flight.successors].filter(leaves)) this.endings[id] = ending
      const before = flight.waiters.length
      flight.waiters = flight.waiters.filter((caller) => !leaves(caller))
      flight.successors = flight.successors.filter((caller) => !leaves(caller))
      if (before > 0 && flight.waiters.length === 0) flight.aborted = true
    }
  }

  /** What has an outcome is over for all, and who came too late begins anew. */
  land(): void {
    for (;;) {
      const flight = this.flights.find(({ outcome }) => outcome !== undefined)
      if (flight === undefined) return
      this.flights = this.flights.filter((each) => each !== flight)
      for (const { id } of flight.waiters) this.endings[id] = `${flight.outcome} ${flight.key}.${flight.number}`
      for (const caller of flight.successors) this.call(caller)
    }
  }

  pass(ms: number): void {
    const until = this.now + ms
    for (;;) {
      const next = Math.min(...this.callers.map(({ deadline }) => deadline))
      if (next > until) break
      this.now = next
      this.leave(({ deadline }) => deadline <= next, 'ERR_TIMEOUT')
    }
    this.now = until
  }
}

interface RealFlight {
  readonly key: number
  readonly number: number
  readonly signal: AbortSignal
  end(ok: boolean): void
}

/** A function with single flights and its naive twin, to which the same is done. */
class Both {
  readonly #clock: FakeClock
  readonly #naive: NaiveFlights
  readonly #load: ReturnType<typeof singleFlight<number, string>>
  readonly #controllers = Array.from({ length: signals }, () => new AbortController())
  readonly #begun: number[] = Array.from({ length: keys }, () => 0)
  readonly #endings: Record<number, string> = {}
  #flights: RealFlight[] = []
  #lastId = 0

  constructor(clock: FakeClock, modes: readonly string[]) {
    this.#clock = clock
    this.#naive = new NaiveFlights(modes)
    this.#load = singleFlight<number, string>((key, { signal }) => {
      const number = this.#begun[key] as number
      this.#begun[key] = number + 1
      const mode = modes[number % modes.length]
      if (mode === 'value') return `ok ${key}.${number}`
      if (mode === 'throw') throw `error ${key}.${number}`
      return new Promise<string>((resolve, reject) => {
        const end = (ok: boolean) => (ok ? resolve(`ok ${key}.${number}`) : reject(`error ${key}.${number}`))
        this.#flights.push({ key, number, signal, end })
      })
    })
  }

  async play(step: readonly Operation[]): Promise<void> {
    for (const operation of step) {
      const passing = this.#perform(operation)
      if (passing !== undefined) await passing
    }
    this.#naive.land()
    await settle()
    this.#compare(step.map(({ op }) => op).join())
  }

  /** @returns for the passing of time, when it has passed */
  #perform(operation: Operation): Promise<void> | undefined {
    switch (operation.op) {
      case 'call': {
        const { key, signal, timeout } = operation
        const id = ++this.#lastId
        const note = (ending: unknown) => {
          this.#endings[id] = label(ending)
        }
        this.#load(key, {
          timeout,
          signal: signal === undefined ? undefined : this.#controllers[signal]?.signal,
        }).then(note, note)
        const deadline = this.#naive.now + (timeout ?? Number.POSITIVE_INFINITY)
        this.#naive.call({ id, key, signal, deadline })
        return undefined
      }
      case 'end': {
        const flight = this.#flights[operation.which % this.#flights.length]
        if (flight === undefined) return undefined
        this.#flights = this.#flights.filter((each) => each !== flight)
        flight.end(operation.ok)
        const naive = this.#naive.flights.find(({ key, number }) => key === flight.key && number === flight.number)
        if (naive !== undefined) naive.outcome = operation.ok ? 'ok' : 'error'
        return undefined
      }
      case 'abort':
        this.#controllers[operation.signal]?.abort('aborted')
        this.#controllers[operation.signal] = new AbortController()
        this.#naive.leave(({ signal }) => signal === operation.signal, 'aborted')
        return undefined
      case 'pass':
        this.#naive.land()
        this.#naive.pass(operation.ms)
        return this.#clock.pass(operation.ms)
    }
  }

  #compare(after: string): void {
    const naive = this.#naive
    same(`endings after ${after}`, this.#endings, naive.endings)
    same(`calls after ${after}`, [this.#begun, this.#load.size], [naive.begun, naive.flights.length])
    const stateOf = (key: number, number: number, aborted: boolean) => `${key}.${number} ${aborted}`
    same(
      `aborted after ${after}`,
      this.#flights.map(({ key, number, signal }) => stateOf(key, number, signal.aborted)).sort(),
      naive.flights.map(({ key, number, aborted }) => stateOf(key, number, aborted)).sort(),
    )
    same(`timers after ${after}`, this.#clock.timers, naive.timers)
  }

  /** Ends all there is, and all that begins because of it. */
  async end(): Promise<void> {
    while (this.#flights.length > 0) await this.play([{ op: 'end', which: 0, ok: true }])
    same('in the end', [this.#load.size, this.#clock.timers], [0, 0])
  }
}

/**
 * Does in random orders the same to a function with single flights and to its naive twin, and compares all that can be seen
 * after each step: callers, ends of calls, aborts, and the time.
 *
 * @throws an error with the seed, the steps and their order, if they differ
 */
export async function singleFlightModel(options: { runs: number; seed?: number }): Promise<void> {
  const { runs, seed } = options
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      modes,
      fc.tuple(
        script<Operation>(calls, 10),
        script<Operation>(endings, 8),
        script<Operation>(aborts, 6),
        script<Operation>(times, 6),
      ),
      (scheduler, modes, scripts) =>
        withFakeTime(async (clock) => {
          const both = new Both(clock, modes)
          await playScripts(scheduler, scripts, (step) => both.play(step))
          await both.end()
        }),
    ),
    { numRuns: runs, ...(seed === undefined ? {} : { seed }) },
  )
}
