import { TaskGroup } from '@heddle/async-patterns'
import fc from 'fast-check'
import type { FakeClock } from './fake-clock.ts'
import { label, playScripts, same, script, settle, withFakeTime } from './model.ts'
import { type Behaviour, NaiveTaskGroup } from './naive-task-group.ts'

const is = <Op extends string>(op: Op) => fc.constant(op)

const behaviour: fc.Arbitrary<Behaviour> = fc.record({
  start: fc.constantFrom(
    ...(['later', 'later', 'later', 'later', 'later', 'later', 'value', 'value', 'throw'] as const),
  ),
  whenCancelled: fc.constantFrom('ignores', 'reason', 'AbortError', 'refused', 'clean-up', 'value'),
})
const runs = fc.record({ op: fc.constantFrom('run', 'run', 'run', 'tryRun'), behaviour })
const endings = fc.record({ op: is('finish'), which: fc.nat(), ok: fc.integer({ min: 0, max: 9 }).map((n) => n > 0) })
const cancels = fc.record({ op: fc.constantFrom('cancel', 'abort', 'join') })
const times = fc.record({ op: is('pass'), ms: fc.integer({ min: 1, max: 8 }) })
const groupOptions = fc.record({
  maxConcurrent: fc.constantFrom(1, 2, 3, Number.POSITIVE_INFINITY),
  timeout: fc.constantFrom(0, 5, 20, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY),
})

type ValueOf<Arbitrary> = Arbitrary extends fc.Arbitrary<infer Value> ? Value : never
type Operation = ValueOf<typeof runs> | ValueOf<typeof endings> | ValueOf<typeof cancels> | ValueOf<typeof times>

interface Running {
  readonly id: number
  readonly end: (ok: boolean) => void
}

/** A group and its naive twin, to which the same is done. */
class Both {
  readonly #clock: FakeClock
  readonly #controller = new AbortController()
  readonly #real: TaskGroup
  readonly #naive: NaiveTaskGroup
  readonly #begun: number[] = []
  readonly #endings: Record<number, string> = {}
  readonly #joins: string[] = []
  #running: Running[] = []
  #atWork = 0
  #most = 0
  #lastId = 0

  constructor(clock: FakeClock, options: ValueOf<typeof groupOptions>) {
    this.#clock = clock
    this.#real = new TaskGroup({ ...options, signal: this.#controller.signal })
    this.#naive = new NaiveTaskGroup(options.maxConcurrent, options.timeout)
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
      case 'run':
      case 'tryRun': {
        const { op, behaviour } = operation
        const id = ++this.#lastId
        const promise = this.#real[op](this.#task(id, behaviour))
        const note = (ending: unknown) => {
          this.#endings[id] = label(ending)
        }
        promise?.then(note, note)
        if (op === 'run') this.#naive.run(id, behaviour)
        else same('tryRun', promise !== undefined, this.#naive.tryRun(id, behaviour))
        return undefined
      }
      case 'finish': {
        const task = this.#running[operation.which % this.#running.length]
        if (task === undefined) return undefined
        this.#running = this.#running.filter((each) => each !== task)
        task.end(operation.ok)
        this.#naive.finish(task.id, operation.ok)
        return undefined
      }
      case 'cancel':
        this.#real.cancel('cancelled')
        this.#naive.stop('cancelled', 'owner')
        return undefined
      case 'abort':
        this.#controller.abort('aborted')
        this.#naive.stop('aborted', 'outside')
        return undefined
      case 'join': {
        const index = this.#joins.push('pending') - 1
        const note = (how: string) => {
          this.#joins[index] = how
          if (this.#atWork > 0) throw new Error(`joined while ${this.#atWork} tasks are at work`)
        }
        this.#real.join().then(
          () => note('done'),
          (error: Error) =>
            note(error instanceof AggregateError ? `errors: ${error.errors.map(label).join()}` : label(error)),
        )
        this.#naive.join()
        return undefined
      }
      case 'pass':
        this.#naive.land()
        this.#naive.pass(operation.ms)
        return this.#clock.pass(operation.ms)
    }
  }

  #task(id: number, { start, whenCancelled }: Behaviour) {
    return ({ signal }: { readonly signal: AbortSignal }): string | Promise<string> => {
      this.#begun.push(id)
      if (start === 'value') return `value ${id}`
      if (start === 'throw') throw `error ${id}`
      this.#atWork += 1
      this.#most = Math.max(this.#most, this.#atWork)
      return new Promise<string>((resolve, reject) => {
        let isOver = false
        const settle = (how: () => void) => {
          if (isOver) return
          isOver = true
          this.#atWork -= 1
          how()
        }
        const value = () => resolve(`value ${id}`)
        this.#running.push({ id, end: (ok) => settle(ok ? value : () => reject(`error ${id}`)) })
        const answers: Record<typeof whenCancelled, () => void> = {
          ignores: () => undefined,
          value,
          reason: () => reject(signal.reason),
          AbortError: () => reject(new DOMException('as fetch does', 'AbortError')),
          refused: () => resolve(this.#real.run(() => 'never')),
          'clean-up': () => reject(`clean-up ${id}`),
        }
        if (whenCancelled !== 'ignores') signal.addEventListener('abort', () => settle(answers[whenCancelled]))
      })
    }
  }

  #compare(after: string): void {
    const real = this.#real
    const naive = this.#naive
    same(`begun after ${after}`, this.#begun, naive.begun)
    same(`endings after ${after}`, this.#endings, naive.endings)
    same(
      `joins after ${after}`,
      this.#joins,
      this.#joins.map(() => naive.joined),
    )
    const { aborted, reason } = real.signal
    same(
      `state after ${after}`,
      [real.running, real.waiting, aborted, aborted ? label(reason) : undefined, this.#clock.timers],
      [
        naive.running.length,
        naive.waiting.length,
        naive.cancelled !== undefined,
        naive.cancelled?.reason,
        naive.timers,
      ],
    )
  }

  /** Ends all tasks there are, and those that begin because of it. */
  async end(maxConcurrent: number): Promise<void> {
    await this.play([{ op: 'join' }])
    while (this.#running.length > 0) await this.play([{ op: 'finish', which: 0, ok: true }])
    same('in the end', [this.#joins.includes('pending'), this.#clock.timers], [false, 0])
    if (this.#most > maxConcurrent) throw new Error(`${this.#most} tasks at work, allowed were ${maxConcurrent}`)
  }
}

/**
 * Does in random orders the same to a group of tasks and to its naive twin, and compares all that can be seen after each
 * step: starts, completions and failures, one who cancels, aborts and joins, and the time.
 *
 * @throws an error with the seed, the steps and their order, if they differ
 */
export async function taskGroupModel(options: { runs: number; seed?: number }): Promise<void> {
  const { runs: numRuns, seed } = options
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      groupOptions,
      fc.tuple(
        script<Operation>(runs, 10),
        script<Operation>(endings, 10),
        script<Operation>(cancels, 2),
        script<Operation>(times, 4),
      ),
      (scheduler, options, scripts) =>
        withFakeTime(async (clock) => {
          const both = new Both(clock, options)
          await playScripts(scheduler, scripts, (step) => both.play(step))
          await both.end(options.maxConcurrent)
        }),
    ),
    { numRuns, ...(seed === undefined ? {} : { seed }) },
  )
}
