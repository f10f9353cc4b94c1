import { describe, invalidArgument, outOfRange } from './errors.js'
import type { Budget, Model, Timeouts } from './model.js'
import type { Steps } from './steps.js'

/** A model after its arguments were checked, with threads and words by number. */
export interface Plan {
  readonly model: Model
  readonly initial: Int32Array
  readonly wordNames: readonly string[]
  readonly threadNames: readonly string[]
  readonly begin: readonly (() => Steps<unknown>)[]
  /** The thread that has a participant number. */
  readonly threadOf: ReadonlyMap<number, number>
  /** What may happen, in the order of `EVENTS`. */
  readonly budgets: readonly AllowedEvents[]
  /** The threads whose time is up when nothing else can happen, a bit each. */
  readonly certainTimeouts: number
  readonly slicedWaits: boolean
}

export interface AllowedEvents {
  readonly budget: number
  /** A bit for each thread that it can happen to. */
  readonly threads: number
}

/** What happens to threads from outside: places in `Plan.budgets`. */
export const EVENTS = ['timeouts', 'aborts', 'kills', 'spurious'] as const

/** Threads are called by letters in schedules, and by bits in masks. */
const mostThreads = 26
const mostWords = 65_536
export const mostOfAnything = 2 ** 31 - 1

/**
 * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: the model cannot be run
 */
export function planOf(model: Model): Plan {
  record('the model', model)
  const { initial, wordNames } = memoryOf(model.memory)
  const threads = Object.entries(record('threads', model.threads))
  if (threads.length < 1 || threads.length > mostThreads)
    throw outOfRange(`there must be 1 to ${mostThreads} threads, not ${threads.length}`)
  const threadNames = threads.map(([name]) => orderedName('thread', name))
  const threadOf = new Map<number, number>()
  const begin = threads.map(([name, thread], position) => {
    const run = typeof thread === 'function' ? thread : record(`thread ${name}`, thread).run
    if (typeof run !== 'function')
      throw invalidArgument(`thread ${name} must be a generator function, or have one as run`)
    const participant =
      typeof thread === 'function' ? position + 1 : wholeNumber(`the participant of ${name}`, thread.participant, 0)
    if (threadOf.has(participant)) throw invalidArgument(`two threads have the participant number ${participant}`)
    threadOf.set(participant, position)
    return () => {
      const steps: unknown = run(participant)
      if (typeof (steps as Partial<Steps<unknown>> | null | undefined)?.next === 'function')
        return steps as Steps<unknown>
      throw invalidArgument(`thread ${name} must be a generator function: it returned ${describe(steps)}`)
    }
  })
  for (const hook of ['invariant', 'final', 'onKill'] as const)
    if (model[hook] !== undefined && typeof model[hook] !== 'function')
      throw invalidArgument(`${hook} must be a function`)
  const choices = record('choices', model.choices ?? {})
  for (const name of Object.keys(choices))
    if (!EVENTS.some((known) => known === name)) throw invalidArgument(`choices has no ${name}`)
  const budgets = EVENTS.map((name) => allowed(name, choices[name] ?? 0, threadNames))
  const { timeouts = 0 } = choices
  const certain = typeof timeouts === 'object' && flag('timeouts.certain', timeouts.certain)
  return {
    model,
    initial,
    wordNames,
    threadNames,
    begin,
    threadOf,
    budgets,
    certainTimeouts: certain ? (budgets[0]?.threads ?? 0) : 0,
    slicedWaits: flag('slicedWaits', model.slicedWaits),
  }
}

function memoryOf(memory: Model['memory']): { initial: Int32Array; wordNames: readonly string[] } {
  if (typeof memory === 'number')
    return memoryOf(Array.from({ length: wholeNumber('memory', memory, 0, mostWords) }, () => 0))
  const named = !Array.isArray(memory)
  const entries = Object.entries<unknown>(record('memory', memory))
  if (entries.length > mostWords) throw outOfRange(`memory must have at most ${mostWords} words, not ${entries.length}`)
  const wordNames = entries.map(([name]) => (named ? orderedName('word', name) : `[${name}]`))
  const initial = Int32Array.from(entries, ([, value], index) =>
    wholeNumber(`word ${wordNames[index]}`, value, -(2 ** 31), 2 ** 31 - 1),
  )
  return { initial, wordNames }
}

function allowed(name: string, value: Budget | Timeouts, threadNames: readonly string[]): AllowedEvents {
  const everyThread = 2 ** threadNames.length - 1
  if (typeof value === 'number') return { budget: wholeNumber(name, value, 0), threads: everyThread }
  const { budget, threads } = record(name, value)
  if (threads !== undefined && !Array.isArray(threads))
    throw invalidArgument(`${name}.threads must be an array of names`)
  return {
    budget: wholeNumber(`${name}.budget`, budget, 0),
    threads: threads?.reduce((mask, thread) => mask | bitOf(name, thread, threadNames), 0) ?? everyThread,
  }
}

function bitOf(name: string, thread: unknown, threadNames: readonly string[]): number {
  const position = typeof thread === 'string' ? threadNames.indexOf(thread) : -1
  if (position < 0) throw invalidArgument(`${name} names ${describe(thread)}, which is no thread`)
  return 1 << position
}

/** JavaScript moves keys that look like numbers to the front: their order would not be the one that was written. */
function orderedName(what: string, name: string): string {
  if (/^(0|[1-9]\d*)$/.test(name)) throw invalidArgument(`the name of a ${what} must not be a number: ${name}`)
  return name
}

function record<Shape extends object>(name: string, value: Shape): Shape {
  if (typeof value !== 'object' || value === null)
    throw invalidArgument(`${name} must be an object, not ${describe(value)}`)
  return value
}

function flag(name: string, value: unknown): boolean {
  if (value === undefined) return false
  if (typeof value !== 'boolean') throw invalidArgument(`${name} must be true or false, not ${describe(value)}`)
  return value
}

/** @throws TypeError `ERR_INVALID_ARG`: no number; RangeError `ERR_OUT_OF_RANGE`: no whole number from `least` to `most` */
export function wholeNumber(name: string, value: unknown, least: number, most = mostOfAnything): number {
  if (typeof value !== 'number') throw invalidArgument(`${name} must be a number, not ${describe(value)}`)
  if (!Number.isInteger(value) || value < least || value > most)
    throw outOfRange(`${name} must be a whole number from ${least} to ${most}, not ${value}`)
  return value
}
