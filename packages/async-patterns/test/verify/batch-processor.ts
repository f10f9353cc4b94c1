// Does the same with AsyncBatchProcessor and with a naive one, in orders that fast-check chooses, and compares all that can
// be seen of them after each step.
import { AsyncBatchProcessor, type BatchContext } from '@heddle/async-patterns'
import fc from 'fast-check'
import { NaiveBatchProcessor, type NaiveItem, type NaiveOutcome, type NaiveSettings } from './naive-batch.js'

type Step =
  | {
      readonly op: 'add'
      readonly kind: NaiveItem['kind']
      readonly bytes: number
      readonly timeout: number
      readonly signal: number
    }
  | {
      readonly op: 'complete'
      readonly which: number
      readonly outcome: 'throws' | 'short' | 'odd' | 'void' | 'results' | 'errors'
    }
  | { readonly op: 'abort'; readonly signal: number }
  | { readonly op: 'pass'; readonly ms: number }
  | { readonly op: 'flush' | 'close' | 'terminate' }

type Item = { readonly id: number; readonly bytes: number }

/** An attempt at work: the ids it was given, and what settles it. */
interface Work {
  readonly items: readonly Item[]
  settle(outcome: PromiseLike<readonly (string | Error)[]>): void
}

const signals = 2
const never = Number.POSITIVE_INFINITY
const is = <Op extends string>(op: Op) => fc.constant(op)

/**
 * Only the limits of items are no multiples of ten: what is due in the same moment has no order that a user could rely on, as
 * in a burst the timer of a batch is set a little later.
 */
function tens(most: number): fc.Arbitrary<number> {
  return fc.integer({ min: 1, max: most }).map((ten) => ten * 10)
}

const settings = fc.record({
  batchSize: fc.integer({ min: 1, max: 4 }),
  flushInterval: tens(6),
  maxBytes: fc.constantFrom(3, 5, never),
  maxConcurrentBatches: fc.integer({ min: 1, max: 3 }),
  maxPending: fc.integer({ min: 1, max: 8 }),
  maxAttempts: fc.integer({ min: 1, max: 3 }),
  retryDelay: tens(3),
})

const adds = fc.array(
  fc.record({
    op: is('add'),
    kind: fc.constantFrom('own' as const, 'shared' as const, 'told' as const),
    bytes: fc.nat(4),
    timeout: fc.constantFrom(0, 5, 25, never, never),
    signal: fc.nat(2 * signals),
  }),
  { maxLength: 8, size: 'max' },
)
const completions = fc.array(
  fc.record({
    op: is('complete'),
    which: fc.nat(2),
    outcome: fc.constantFrom('throws', 'short', 'odd', 'void', 'results', 'results', 'errors', 'throws'),
  }),
  { maxLength: 8, size: 'max' },
)
const passes = fc.array(fc.record({ op: is('pass'), ms: tens(4) }), {
  maxLength: 6,
  size: 'max',
})
const controls = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ op: is('flush') }) },
    { weight: 5, arbitrary: fc.record({ op: is('abort'), signal: fc.nat(signals - 1) }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constantFrom('close', 'terminate') }) },
  ),
  { maxLength: 3, size: 'max' },
)

/** Time that is moved by hand. Timers that are due at the same moment fire in the order in which they were set. */
class FakeClock {
  time = 0
  readonly #timers = new Map<object, { readonly due: number; readonly callback: () => void }>()

  now(): number {
    return this.time
  }

  setTimeout(callback: () => void, ms: number): object {
    const timer = {}
    this.#timers.set(timer, { due: this.time + ms, callback })
    return timer
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as object)
  }

  get due(): number[] {
    return [...this.#timers.values()].map(({ due }) => due).sort((one, other) => one - other)
  }

  /** The time of the next timer, up to `until`; it has fired then. */
  step(until: number): void {
    const [first] = [...this.#timers]
      .filter(([, { due }]) => due <= until)
      .sort(([, one], [, other]) => one.due - other.due)
    this.time = first?.[1].due ?? until
    if (first === undefined) return
    this.#timers.delete(first[0])
    first[1].callback()
  }
}

/** Lets everything run that is due. Two turns: work that was put off to a later turn may have been so after our first order. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
}

class OwnError extends Error {}
const isFailing = (id: number): boolean => id % 3 === 1

/** The real processor, and what was seen of it. */
class Subject {
  readonly clock = new FakeClock()
  readonly endings: Record<number, string> = {}
  readonly flushed: Record<number, string> = {}
  readonly calls: number[][] = []
  readonly failed: number[][] = []
  readonly work: Work[] = []
  readonly #signals = Array.from({ length: signals }, () => new AbortController())
  readonly processor: AsyncBatchProcessor<Item, string>

  constructor(chosen: NaiveSettings) {
    this.processor = new AsyncBatchProcessor<Item, string>({
      ...chosen,
      clock: this.clock,
      sizeOf: ({ bytes }) => bytes,
      process: (items, context) => this.#process(items, context),
      onFailed: (items) => void this.failed.push(items.map(({ id }) => id)),
    })
  }

  #process(items: readonly Item[], { attempt }: BatchContext): Promise<readonly (string | Error)[]> {
    this.calls.push([attempt, ...items.map(({ id }) => id)])
    return new Promise((resolve) => {
      this.work.push({ items, settle: resolve })
    })
  }

  add({ id, bytes, kind, timeout, signal }: NaiveItem): void {
    const item = { id, bytes }
    const options = { timeout, signal: signal === undefined ? signal : this.#signals[signal]?.signal }
    const promise: Promise<unknown> =
      kind === 'own'
        ? this.processor.add(item, options)
        : this.processor.addItem(item, kind === 'told' ? options : undefined)
    promise.then(
      (value) => this.#end(id, typeof value === 'string' ? value : 'nothing'),
      (reason: unknown) => this.#end(id, endingOf(reason)),
    )
  }

  #end(id: number, ending: string): void {
    this.endings[id] = id in this.endings ? `${this.endings[id]}, then ${ending}` : ending
  }

  complete(which: number, outcome: NaiveOutcome): void {
    if (this.work.length === 0) return
    const [work] = this.work.splice(which % this.work.length, 1) as [Work]
    work.settle(
      outcome === 'throws'
        ? Promise.reject(new Error('thrown'))
        : Promise.resolve(resultsOf(work.items, outcome) as readonly (string | Error)[]),
    )
  }

  abort(signal: number): void {
    this.#signals[signal]?.abort('aborted')
    this.#signals[signal] = new AbortController()
  }

  watch(id: number, flushing: Promise<void>): void {
    void flushing.then(() => {
      this.flushed[id] = 'flushed'
    })
  }
}

function resultsOf(items: readonly Item[], outcome: NaiveOutcome): unknown {
  if (outcome === 'void') return undefined
  if (outcome === 'odd') return 'results'
  const results = items.map(({ id }) =>
    typeof outcome === 'function' && outcome(id) ? new OwnError('own error') : `result ${id}`,
  )
  return outcome === 'short' ? results.slice(1) : results
}

function endingOf(reason: unknown): string {
  if (reason === 'aborted') return 'aborted'
  const { name, message, code } = reason as { name: string; message: string; code?: string }
  if (code === undefined) return name === 'AggregateError' ? name : message
  return code === 'ERR_TIMEOUT' ? name : code
}

function outcomeOf(name: (Step & { op: 'complete' })['outcome']): NaiveOutcome {
  if (name === 'results') return () => false
  return name === 'errors' ? isFailing : name
}

/** Both do one step. What it gives is what both gave, if it is something to compare. */
async function take(step: Step, number: number, real: Subject, naive: NaiveBatchProcessor): Promise<unknown[]> {
  switch (step.op) {
    case 'add': {
      const limits = { timeout: step.timeout, signal: step.signal < signals ? step.signal : undefined }
      const item = { id: number, bytes: step.bytes, kind: step.kind, ...(step.kind === 'shared' ? {} : limits) }
      real.add(item)
      naive.add(item)
      return []
    }
    case 'complete': {
      const outcome = outcomeOf(step.outcome)
      // Attempts are in the order in which they began, batches in that of their items.
      const works = real.work.toSorted((one, other) => Number(one.items[0]?.id) - Number(other.items[0]?.id))
      const chosen = works[step.which % works.length]
      if (chosen !== undefined) real.complete(real.work.indexOf(chosen), outcome)
      naive.complete(step.which, outcome)
      return []
    }
    case 'abort':
      real.abort(step.signal)
      naive.abort(step.signal)
      return []
    case 'pass':
      for (const until = naive.now + step.ms; naive.now < until; await settle()) {
        real.clock.step(until)
        naive.step(until)
      }
      return []
    case 'terminate':
      return [real.processor.terminate().map(({ id }) => id), naive.terminate()]
    default:
      real.watch(number, real.processor[step.op]())
      naive[step.op](number)
      return []
  }
}

function seenOf(real: Subject): unknown {
  const { endings, flushed, calls, failed, clock, work, processor } = real
  return { endings, flushed, calls, failed, due: clock.due, running: work.length, ...processor.stats() }
}

function expectedOf(naive: NaiveBatchProcessor, { maxPending }: NaiveSettings): unknown {
  const { endings, flushed, calls, failed, size, atWork, running, timers, counts, cuts } = naive
  const due = timers.map(({ due }) => due).sort((one, other) => one - other)
  const { size: cutBySize, bytes: cutByBytes, timer: cutByTimer, flush: cutByFlush } = cuts
  const pending = Math.min(size, maxPending)
  const seen = { endings, flushed, calls, failed, due, running: running.length, ...counts }
  const cut = { cutBySize, cutByBytes, cutByTimer, cutByFlush }
  return { ...seen, ...cut, pending, waiting: size - pending, processing: atWork.length }
}

async function runBoth(steps: readonly Step[], chosen: NaiveSettings): Promise<void> {
  const real = new Subject(chosen)
  const naive = new NaiveBatchProcessor(chosen)
  try {
    for (const [number, step] of steps.entries()) {
      const given = await take(step, number, real, naive)
      await settle()
      compare(given[0], given[1], `what step ${number} (${step.op}) gave`)
      compare(seenOf(real), expectedOf(naive, chosen), `after step ${number} (${JSON.stringify(step)})`)
    }
  } finally {
    real.processor.terminate()
    for (const work of real.work) work.settle(Promise.resolve([]))
  }
  await settle()
  compare([real.processor.pending, real.processor.processing, real.clock.due], [0, 0, []], 'in the end')
}

/** Equal values have equal texts: the keys of what is compared are ids, or written in the same order. */
function compare(real: unknown, naive: unknown, when: string): void {
  const [one, other] = [JSON.stringify(real), JSON.stringify(naive)]
  if (one !== other) throw new Error(`${when}\n  real:  ${one}\n  naive: ${other}`)
}

/** @throws an Error with seed, path and the smallest counterexample, if the two were ever seen to differ */
export async function batchProcessorModel(options: { runs: number; seed?: number }): Promise<void> {
  const property = fc.asyncProperty(
    fc.scheduler(),
    settings,
    fc.tuple(adds, adds, completions, passes, controls),
    async (scheduler, chosen, actors) => {
      const steps: Step[] = []
      for (const actor of actors)
        scheduler.scheduleSequence(
          (actor as Step[]).map((step) => ({
            label: step.op,
            builder: async () => {
              steps.push(step)
            },
          })),
        )
      await scheduler.waitAll()
      await runBoth(steps, chosen)
    },
  )
  const { runs: numRuns, seed } = options
  await fc.assert(property, { numRuns, includeErrorInReport: true, ...(seed !== undefined && { seed }) })
}
