import { outOfRange } from './errors.js'
import type { HistoryNode } from './history-node.js'
import type { KernelMemory } from './model.js'
import type { Plan } from './plan.js'
import {
  ABORT,
  type Choice,
  choiceOf,
  DEADLINE,
  KILL,
  kindOf,
  SLICE,
  SPURIOUS,
  STEP,
  TIMEOUT,
  threadOf,
} from './schedule.js'
import { FINISHED, KILLED, READY, ROUSED, SLEEPING, SPINNING, State } from './state.js'
import { GAVE_UP, WOKEN } from './steps.js'
import { fallAsleep, leaveQueue, notifyQueue } from './wait-queues.js'

export interface MachineBounds {
  /** Switches away from a thread that could go on; undefined: any number. */
  readonly maxPreemptions: number | undefined
  /** Steps of a thread since its last checkpoint. */
  readonly maxSteps: number
}

/** The system under test: what can happen in its state, and what becomes of it. */
export class Machine {
  readonly plan: Plan
  readonly state: State
  /** What the last step gave back to its thread. */
  result = 0
  /** The thread that the last choice has made throw; -1: none. */
  thrower = -1
  /** Whether the last choice has led a thread further from its last checkpoint than the bound allows. */
  tooDeep = false
  /** Whether the last call of `choices` has left out preemptions for the bound. */
  withheld = false
  readonly #bounds: MachineBounds
  /** Numbers for contents of memory and for situations, which fit into a cell. */
  readonly #numbers = new Map<string, number>()

  constructor(plan: Plan, bounds: MachineBounds) {
    this.plan = plan
    this.#bounds = bounds
    this.state = new State(plan, bounds.maxPreemptions !== undefined)
  }

  /** Goes to where nothing has happened yet. */
  restart(): void {
    this.thrower = -1
    this.tooDeep = false
    this.state.clear(this.plan)
    for (let thread = 0; thread < this.state.threads; thread++) {
      this.#goTo(thread, this.state.history(thread).start)
      if (this.thrower >= 0) return
    }
  }

  /**
   * All that can happen next; none if nothing more does: steps first, that of `previous` before the others, then events.
   *
   * When the threads cannot go on by themselves, events that a budget counts are no way out, since nobody can rely on them:
   * there are no choices then. So a larger budget never hides a deadlock.
   *
   * A thread that was roused goes on at once, as the only choice, if that changes nothing that others can see. Nothing is lost
   * then: it touches nothing but its local state, so it can change places with all that the others do; and to be killed
   * before it or after it is the same, as it has not ended by then.
   */
  choices(previous: number, into: Choice[]): void {
    const { state } = this
    into.length = 0
    this.withheld = false
    let awake = 0
    for (let thread = 0; thread < state.threads; thread++) {
      if (!state.isAwake(thread)) continue
      awake |= 1 << thread
      if (state.status(thread) === ROUSED && this.#goesOnUnseen(thread)) {
        into[0] = choiceOf(STEP, thread)
        return
      }
    }
    if (awake !== 0) this.#steps(awake, previous, into)
    else this.#choicesAtRest(into)
    if (into.length > 0) this.#events(into)
  }

  #goesOnUnseen(thread: number): boolean {
    if (this.#mayHappen(ABORT, thread)) return false
    if (!this.#mayHappen(KILL, thread)) return true
    const { op } = this.state.history(thread).after(this.state.node(thread), WOKEN)
    return op !== 'finished' && op !== 'threw'
  }

  #steps(awake: number, previous: number, into: Choice[]): void {
    const { state } = this
    const { maxPreemptions } = this.#bounds
    if (maxPreemptions !== undefined && state.preemptions >= maxPreemptions) {
      const { turn } = state
      if (turn >= 0 && awake & (1 << turn)) {
        this.withheld = awake !== 1 << turn
        into.push(choiceOf(STEP, turn))
        return
      }
    }
    if (previous >= 0 && awake & (1 << previous)) into.push(choiceOf(STEP, previous))
    for (let thread = 0; thread < state.threads; thread++)
      if (thread !== previous && awake & (1 << thread)) into.push(choiceOf(STEP, thread))
  }

  /** What comes by itself when no thread can go on. */
  #choicesAtRest(into: Choice[]): void {
    const { slicedWaits, certainTimeouts } = this.plan
    if (!slicedWaits && certainTimeouts === 0) return
    const situation = slicedWaits ? this.#situation() : 0
    for (let thread = 0; thread < this.state.threads; thread++) {
      if (this.state.status(thread) !== SLEEPING) continue
      if (certainTimeouts & (1 << thread)) into.push(choiceOf(DEADLINE, thread))
      if (slicedWaits && this.state.looked(thread) !== situation) into.push(choiceOf(SLICE, thread))
    }
  }

  #events(into: Choice[]): void {
    for (let kind = TIMEOUT; kind <= SPURIOUS; kind++) {
      if (this.state.budget(kind - TIMEOUT) === 0) continue
      for (let thread = 0; thread < this.state.threads; thread++) {
        const status = this.state.status(thread)
        const canHappen =
          kind === KILL
            ? status !== FINISHED && status !== KILLED
            : status === SLEEPING || (kind === ABORT && status === ROUSED)
        if (canHappen && this.#mayHappen(kind, thread)) into.push(choiceOf(kind, thread))
      }
    }
  }

  #mayHappen(kind: number, thread: number): boolean {
    const allowed = this.plan.budgets[kind - TIMEOUT]?.threads ?? 0
    return (allowed & (1 << thread)) !== 0 && this.state.budget(kind - TIMEOUT) > 0
  }

  /** Lets one of the choices happen. Returns whether a thread has taken a step of its own with it. */
  apply(choice: Choice): boolean {
    const { state } = this
    const thread = threadOf(choice)
    const kind = kindOf(choice)
    this.thrower = -1
    this.tooDeep = false
    if (kind === STEP) {
      if (state.status(thread) === ROUSED) {
        this.#goOn(thread, WOKEN)
        return false
      }
      if (this.#bounds.maxPreemptions !== undefined) this.#takeTurn(thread)
      this.#step(thread, state.node(thread))
      return true
    }
    if (kind <= SPURIOUS) state.spend(kind - TIMEOUT)
    if (kind === SLICE) state.setLooked(thread, this.#situation())
    if (state.status(thread) === SLEEPING) leaveQueue(state, thread)
    if (kind === KILL) this.#kill(thread)
    else this.#goOn(thread, kind === SLICE || kind === SPURIOUS ? WOKEN : GAVE_UP)
    return false
  }

  #takeTurn(thread: number): void {
    const { state } = this
    const { turn } = state
    if (turn >= 0 && turn !== thread && state.isAwake(turn)) state.preemptions++
    // Whoever gives a hint asks that others run.
    state.turn = state.node(thread).op === 'yield' ? -1 : thread
  }

  #step(thread: number, { op, index, first, second }: HistoryNode): void {
    const { state } = this
    switch (op) {
      case 'wait':
        if (state.word(index) === first) fallAsleep(state, thread, index)
        else this.#goOn(thread, WOKEN)
        return
      case 'notify':
        this.#goOn(thread, notifyQueue(state, index, first))
        return
      case 'isDead': {
        const asked = this.plan.threadOf.get(first)
        this.#goOn(thread, asked !== undefined && state.status(asked) === KILLED ? 1 : 0)
        return
      }
      case 'yield':
        this.#spin(thread)
        return
    }
    const old = state.word(index)
    if (op === 'compareExchange') {
      if (old === first) this.#write(thread, index, second)
    } else if (op === 'add') this.#write(thread, index, (old + first) | 0)
    else if (op !== 'load') this.#write(thread, index, first)
    this.#goOn(thread, op === 'store' ? 0 : old)
  }

  #goOn(thread: number, result: number): void {
    this.result = result
    this.#goTo(thread, this.state.history(thread).after(this.state.node(thread), result))
  }

  #goTo(thread: number, node: HistoryNode): void {
    this.state.setNode(thread, node)
    this.state.setStatus(thread, READY)
    if (node.depth > this.#bounds.maxSteps) this.tooDeep = true
    if (node.op === 'finished' || node.op === 'threw') this.#end(thread, FINISHED)
    if (node.op === 'threw') this.thrower = thread
  }

  /** Of a thread that has ended only the outcome is kept: more would tell apart states with the same future. */
  #end(thread: number, status: typeof FINISHED | typeof KILLED): void {
    this.state.setStatus(thread, status)
    this.state.setRound(thread, 0)
    this.state.setLooked(thread, 0)
  }

  #kill(thread: number): void {
    const { state, plan } = this
    state.setNode(thread, state.history(thread).killed)
    this.#end(thread, KILLED)
    // A death is a change as well: somebody may ask about it.
    this.#changedBy(thread)
    if (plan.model.onKill === undefined) return
    const memory: KernelMemory = {
      words: state.memory(),
      notify: (index, count) => {
        if (Number.isInteger(index) && index >= 0 && index < state.words) return notifyQueue(state, index, count)
        throw outOfRange(`onKill: there is no word ${index}: memory has ${state.words}`)
      },
    }
    plan.model.onKill(memory, plan.threadNames[thread] as string)
  }

  #write(thread: number, index: number, value: number): void {
    if (this.state.word(index) === value) return
    this.state.setWord(index, value)
    this.#changedBy(thread)
  }

  #changedBy(changer: number): void {
    const { state } = this
    for (let thread = 0; thread < state.threads; thread++) {
      if (thread === changer) continue
      state.setRound(thread, 0)
      if (state.status(thread) === SPINNING) state.setStatus(thread, READY)
    }
  }

  /**
   * A thread that spins goes round from hint to hint. It stops at a hint if the next round cannot differ from the last one:
   * since the hint before, nobody else has changed memory, and the thread itself has left it as it was then.
   */
  #spin(thread: number): void {
    const before = this.state.round(thread)
    const now = this.#numberOf(this.state.memory().join())
    this.#goOn(thread, 0)
    if (this.state.status(thread) === FINISHED) return
    this.state.setRound(thread, now)
    if (before === now) this.state.setStatus(thread, SPINNING)
  }

  /** The memory, and what every thread is about to do. */
  #situation(): number {
    let key = this.state.memory().join()
    for (let thread = 0; thread < this.state.threads; thread++) {
      const { op, index, first } = this.state.node(thread)
      key += `;${this.state.status(thread)},${op},${index},${first}`
    }
    return this.#numberOf(key)
  }

  #numberOf(key: string): number {
    let number = this.#numbers.get(key)
    if (number === undefined) {
      number = this.#numbers.size + 1
      this.#numbers.set(key, number)
    }
    return number
  }
}
