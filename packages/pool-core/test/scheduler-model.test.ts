import { PoolManager } from '@heddle/pool-core'
import { afterEach, expect, jest, test } from '@jest/globals'
import fc from 'fast-check'
import { numbered } from './fixtures/tasks.mjs'
import { ControlledSlots, settled } from './support/controlled-slots.js'

/** What may happen to a pool; numbers choose among what is there, if there is anything. */
type Step =
  | { readonly kind: 'submit'; readonly timeout: number | undefined; readonly signal: number | undefined }
  | { readonly kind: 'answer' | 'fail' | 'crash' | 'killed' | 'answerLate' | 'abort'; readonly which: number }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'drain' | 'terminate' }

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('submit' as const),
      timeout: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
      signal: fc.option(fc.nat(2), { nil: undefined }),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constantFrom('answer', 'fail', 'crash', 'killed', 'answerLate'),
      which: fc.nat(5),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('abort' as const), which: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 15 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('drain', 'terminate') }) },
)

interface TwinJob {
  readonly number: number
  readonly timeout: number | undefined
  readonly signal: number | undefined
  due: number
}

/** The obvious pool: arrays, and a clock that only moves when it is told to. */
class Twin {
  readonly outcomes = new Map<number, string>()
  readonly begun: number[] = []
  running: TwinJob[] = []
  queue: TwinJob[] = []
  killing = 0
  now = 0
  open = true
  closed = false
  readonly aborted = new Set<number>()
  readonly #maxWorkers: number

  constructor(maxWorkers: number) {
    this.#maxWorkers = maxWorkers
  }

  submit(number: number, timeout: number | undefined, signal: number | undefined): void {
    if (!this.open) this.outcomes.set(number, 'ERR_CLOSED')
    else if (signal !== undefined && this.aborted.has(signal)) this.outcomes.set(number, `reason ${signal}`)
    else this.queue.push({ number, timeout, signal, due: Number.POSITIVE_INFINITY })
    this.#fill()
  }

  settle(job: TwinJob, outcome: string): void {
    this.outcomes.set(job.number, outcome)
    this.running = this.running.filter((other) => other !== job)
    this.queue = this.queue.filter((other) => other !== job)
    this.#fill()
  }

  kill(job: TwinJob, outcome: string): void {
    if (this.running.includes(job)) this.killing += 1
    this.settle(job, outcome)
  }

  killed(): void {
    this.killing -= 1
    this.#fill()
  }

  abort(signal: number): void {
    this.aborted.add(signal)
    for (const job of [...this.running, ...this.queue]) if (job.signal === signal) this.kill(job, `reason ${signal}`)
  }

  pass(ms: number): void {
    this.now += ms
    for (const job of this.running) if (job.due <= this.now) this.kill(job, 'ERR_TIMEOUT')
  }

  drain(): void {
    this.open = false
    this.#fill()
  }

  terminate(): void {
    this.open = false
    for (const job of [...this.running, ...this.queue]) this.outcomes.set(job.number, 'ERR_CLOSED')
    this.running = []
    this.queue = []
    this.#fill()
  }

  #fill(): void {
    while (this.running.length + this.killing < this.#maxWorkers) {
      const job = this.queue.shift()
      if (!job) break
      job.due = this.now + (job.timeout ?? Number.POSITIVE_INFINITY)
      this.running.push(job)
      this.begun.push(job.number)
    }
    if (!this.open && this.running.length === 0 && this.queue.length === 0) {
      this.closed = true
      // Closing a slot ends its kill as well.
      this.killing = 0
    }
  }
}

/** A pool and its twin, and what came of each call so far. */
class Pair {
  readonly slots = new ControlledSlots()
  readonly outcomes = new Map<number, string>()
  readonly settledTwice: number[] = []
  readonly twin: Twin
  readonly #pool: PoolManager
  readonly #controllers = [new AbortController(), new AbortController(), new AbortController()]
  #submitted = 0
  ended = false

  constructor(maxWorkers: number) {
    this.#pool = new PoolManager(this.slots.create, 'thread', { maxWorkers })
    this.twin = new Twin(maxWorkers)
  }

  #note(number: number, outcome: string): void {
    if (this.outcomes.has(number)) this.settledTwice.push(number)
    this.outcomes.set(number, outcome)
  }

  #end(closing: Promise<void>): void {
    void closing.then(() => {
      this.ended = true
    })
  }

  #pick<Item>(items: readonly Item[], which: number): Item | undefined {
    return items[which % Math.max(items.length, 1)]
  }

  take(step: Step): void {
    const { twin } = this
    switch (step.kind) {
      case 'submit': {
        const number = this.#submitted
        this.#submitted += 1
        const signal = step.signal === undefined ? undefined : this.#controllers[step.signal]?.signal
        this.#pool.run(numbered, [number], { timeout: step.timeout, signal }).then(
          (value) => this.#note(number, `value ${value}`),
          (error: { code?: string } | string) =>
            this.#note(number, typeof error === 'string' ? error : String(error.code)),
        )
        twin.submit(number, step.timeout, step.signal)
        break
      }
      case 'answer':
      case 'fail':
      case 'crash': {
        const job = this.#pick(twin.running, step.which)
        if (!job) return
        const slot = this.slots.runs(job.number)
        if (step.kind === 'answer') slot.answer(job.number)
        else if (step.kind === 'fail') slot.throwing(Object.assign(new Error(), { code: 'ERR_TASK' }))
        else slot.crash(Object.assign(new Error(), { code: 'ERR_CRASH' }))
        twin.settle(job, { answer: `value ${job.number}`, fail: 'ERR_TASK', crash: 'ERR_CRASH' }[step.kind])
        break
      }
      case 'killed': {
        const slot = this.#pick(
          this.slots.slots.filter(({ killing }) => killing),
          step.which,
        )
        if (!slot) return
        slot.killed()
        twin.killed()
        break
      }
      case 'answerLate': {
        // Nobody asks for it any longer.
        const slot = this.#pick(
          this.slots.slots.filter(({ killing }) => killing),
          step.which,
        )
        slot?.answer('late')
        break
      }
      case 'abort':
        this.#controllers[step.which]?.abort(`reason ${step.which}`)
        twin.abort(step.which)
        break
      case 'pass':
        jest.advanceTimersByTime(step.ms)
        twin.pass(step.ms)
        break
      case 'drain':
        this.#end(this.#pool.drain())
        twin.drain()
        break
      case 'terminate':
        this.#end(this.#pool.terminate())
        twin.terminate()
    }
  }

  /** What can be seen of the pool. */
  observed() {
    const running = this.slots.slots.map((slot) => slot.running).filter((number) => number !== undefined)
    return {
      running: new Set(running),
      killing: this.slots.slots.filter(({ killing }) => killing).length,
      begun: this.slots.begun,
      outcomes: this.outcomes,
      ended: this.ended,
      settledTwice: this.settledTwice,
      violations: this.slots.violations,
    }
  }

  expected() {
    return {
      running: new Set(this.twin.running.map(({ number }) => number)),
      killing: this.twin.killing,
      begun: this.twin.begun,
      outcomes: this.twin.outcomes,
      ended: this.twin.closed,
      settledTwice: [],
      violations: [],
    }
  }
}

afterEach(() => {
  jest.useRealTimers()
})

test('whatever happens in whatever order, the pool does what the obvious pool does, and each call settles once', async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'clearImmediate', 'queueMicrotask'] })
  const runs = fc.asyncProperty(
    fc.integer({ min: 1, max: 3 }),
    fc.array(steps, { maxLength: 40, size: 'max' }),
    async (workers, taken) => {
      const pair = new Pair(workers)
      for (const step of taken) {
        pair.take(step)
        await settled()
        expect(pair.observed()).toEqual(pair.expected())
      }
      pair.take({ kind: 'terminate' })
      await settled()
      expect(pair.observed()).toEqual(pair.expected())
      expect(pair.outcomes.size).toBe(taken.filter(({ kind }) => kind === 'submit').length)
      expect(pair.ended).toBe(true)
    },
  )
  await fc.assert(runs, { numRuns: 150 })
})

test('whichever queued calls are aborted, in whatever order, the others begin in theirs', async () => {
  const calls = Array.from({ length: 10 }, (_, call) => call)
  const runs = fc.asyncProperty(fc.shuffledSubarray(calls), async (aborted) => {
    const slots = new ControlledSlots()
    const pool = new PoolManager(slots.create, 'thread', { maxWorkers: 1 })
    const controllers = calls.map(() => new AbortController())
    const all = Promise.allSettled([
      pool.run(numbered, [-1]),
      ...calls.map((call) => pool.run(numbered, [call], { signal: controllers[call]?.signal })),
    ])
    for (const call of aborted) controllers[call]?.abort()
    const expected = [-1, ...calls.filter((call) => !aborted.includes(call))]
    for (const call of expected) {
      slots.runs(call).answer(call)
      await settled()
    }
    expect(slots.begun).toEqual(expected)
    expect((await all).filter(({ status }) => status === 'rejected')).toHaveLength(aborted.length)
  })
  await fc.assert(runs, { numRuns: 100 })
})
