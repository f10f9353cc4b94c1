import { describeThrown } from './errors.js'
import type { Machine } from './machine.js'
import type { Judgement, Snapshot, ThreadStatus } from './model.js'
import { FINISHED, KILLED, READY, ROUSED, SLEEPING, SPINNING, type State } from './state.js'

/**
 * `exception`: a thread threw · `invariant`: it did not hold after a step · `final`: it did not hold at the end ·
 * `deadlock`: all threads that are left sleep · `stuck`: some of them run, but no end can ever be reached
 */
export type FailureKind = 'deadlock' | 'invariant' | 'exception' | 'final' | 'stuck'

export interface Problem {
  readonly kind: FailureKind
  readonly message: string
  /** Equal for problems that are of the same making, as far as can be told. */
  readonly likeness: string
}

export function isSameProblem(one: Problem, other: Problem): boolean {
  return one.kind === other.kind && one.likeness === other.likeness
}

/** The likeness of being in a trap. */
export const TRAP = 'trap'

const statusNames: Readonly<Record<number, ThreadStatus>> = {
  [READY]: 'ready',
  [ROUSED]: 'ready',
  [SLEEPING]: 'sleeping',
  [SPINNING]: 'spinning',
  [FINISHED]: 'finished',
  [KILLED]: 'killed',
}

/** Says of a state of the machine whether something is wrong with it. */
export class Judge {
  readonly #machine: Machine
  readonly #names: readonly string[]
  readonly #memory: Int32Array
  readonly #snapshot: Snapshot

  constructor(machine: Machine) {
    this.#machine = machine
    this.#names = machine.plan.threadNames
    this.#memory = new Int32Array(machine.state.words)
    this.#snapshot = {
      memory: this.#memory,
      status: (name) => statusNames[machine.state.status(this.#position(name))] as ThreadStatus,
      checkpoint: (name) => {
        const thread = this.#position(name)
        const status = machine.state.status(thread)
        return status === FINISHED || status === KILLED ? undefined : machine.state.node(thread).checkpoint
      },
    }
  }

  /** What the last choice, or the start, has broken. */
  now(): Problem | undefined {
    const { thrower, plan } = this.#machine
    if (thrower >= 0) {
      const thrown = describeThrown(this.#machine.state.node(thrower).outcome)
      return { kind: 'exception', message: `${this.#names[thrower]} threw ${thrown}`, likeness: thrown }
    }
    if (plan.model.invariant === undefined) return undefined
    return this.#ask('invariant', 'the invariant does not hold', (snapshot) => plan.model.invariant?.(snapshot))
  }

  /** What is wrong in a state after which nothing more happens. */
  atEnd(): Problem | undefined {
    const { state, plan } = this.#machine
    const left = this.#names.filter((_, thread) => !hasEnded(state, thread))
    if (left.length > 0) return this.#standstill()
    if (plan.model.final === undefined) return undefined
    const results = Object.fromEntries(this.#names.map((name, thread) => [name, state.node(thread).outcome]))
    return this.#ask('final', 'the end is not as it should be', (snapshot) => plan.model.final?.(snapshot, results))
  }

  /** What is wrong in a state from which no end can be reached, although there is always something to do. */
  inTrap(): Problem {
    const { state } = this.#machine
    const running = this.#names.filter((_, thread) => !hasEnded(state, thread))
    const message = `no end can be reached any more, whatever happens next; not ended: ${running.join(', ')}`
    return { kind: 'stuck', message, likeness: TRAP }
  }

  #standstill(): Problem {
    const { state, plan } = this.#machine
    const facts: string[] = []
    const places = new Set<string>()
    let spins = false
    for (const [thread, name] of this.#names.entries()) {
      const status = state.status(thread)
      if (status === SPINNING) {
        spins = true
        facts.push(`${name} spins, and nobody is left to change memory`)
      } else if (status === SLEEPING) {
        const { index, first } = state.node(thread)
        places.add(`${index}`)
        facts.push(`${name} sleeps on ${plan.wordNames[index]} (expected ${first}, is ${state.word(index)})`)
      } else if (status === KILLED) facts.push(`${name} was killed`)
    }
    return { kind: spins ? 'stuck' : 'deadlock', message: facts.join('; '), likeness: [...places].sort().join() }
  }

  #ask(kind: 'invariant' | 'final', otherwise: string, check: (snapshot: Snapshot) => Judgement): Problem | undefined {
    this.#memory.set(this.#machine.state.memory())
    let wrong: string
    try {
      const judgement = check(this.#snapshot)
      if (judgement === undefined || judgement === true) return undefined
      wrong = judgement === false ? otherwise : judgement
    } catch (thrown) {
      wrong = describeThrown(thrown)
    }
    return { kind, message: wrong, likeness: wrong }
  }

  #position(name: string): number {
    const thread = this.#names.indexOf(name)
    if (thread < 0) throw new TypeError(`there is no thread ${name}`)
    return thread
  }
}

function hasEnded(state: State, thread: number): boolean {
  const status = state.status(thread)
  return status === FINISHED || status === KILLED
}
