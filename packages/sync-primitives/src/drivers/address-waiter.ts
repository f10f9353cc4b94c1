import type { Memory } from '../memory/memory.js'
import { EVERYBODY } from '../steps.js'
import { startTicking, stopTicking } from './ticker.js'

interface Task {
  readonly wake: () => void
  /** What the word was when the task looked. */
  readonly expected: number
  waits: boolean
}

/**
 * How many of the tasks that wait on a word look again in a slice of time although the word has not changed, in turn: so that
 * one of them notices a death, and many that wait cost little.
 */
const looksPerTick = 32

/** One for each word that tasks of this thread wait on. */
const waiters = new WeakMap<Memory, Map<number, AddressWaiter>>()

/**
 * Calls `onWake` once, in a later task, when the word may have changed, or after a slice of time for no reason.
 *
 * @returns a function that takes it back; undefined: the word has another value already, look again
 */
export function onWake(memory: Memory, index: number, expected: number, wake: () => void): (() => void) | undefined {
  let ofMemory = waiters.get(memory)
  if (!ofMemory) {
    ofMemory = new Map()
    waiters.set(memory, ofMemory)
  }
  let waiter = ofMemory.get(index)
  if (!waiter) {
    waiter = new AddressWaiter(memory, index, ofMemory)
    ofMemory.set(index, waiter)
  }
  return waiter.add(expected, wake)
}

/**
 * For a thread that is about to block on the word: a `waitAsync` of its own may stand before it in the word's queue, and would
 * swallow the wake-up that was meant for it, while this thread cannot pass it on.
 */
export function makeWayForBlocking(memory: Memory, index: number): void {
  waiters.get(memory)?.get(index)?.makeWay()
}

/**
 * All tasks of this thread that wait on one word, behind one `Atomics.waitAsync`.
 *
 * A pending `waitAsync` cannot be taken back, and one that nobody wants any more swallows a wake-up. So there is at most one
 * for each word and thread. When it ends, everybody who waits by then looks again; if nobody does, the wake-up is passed on.
 * Once in a slice of time some look again in any case, and all if the word has changed or the memory was closed; and one that
 * nobody wants any more is given a wake-up, which reaches it when it is at the head of the word's queue.
 *
 * Invariant: while somebody waits here, a waitAsync of this thread is pending on the word, or has ended and its turn is due.
 * It need not have been begun with the value that the task has seen: it is in the queue of the word, and whoever changes the
 * word after the task has looked wakes it.
 */
class AddressWaiter {
  readonly #memory: Memory
  readonly #index: number
  readonly #siblings: Map<number, AddressWaiter>
  readonly #tasks = new Set<Task>()
  readonly #onWoken = (): void => this.#wakeAll()
  #pending = false
  #isWoken = false

  constructor(memory: Memory, index: number, siblings: Map<number, AddressWaiter>) {
    this.#memory = memory
    this.#index = index
    this.#siblings = siblings
    startTicking(this)
  }

  add(expected: number, wake: () => void): (() => void) | undefined {
    if (this.#pending) {
      if (Atomics.load(this.#memory.words, this.#index) !== expected) return undefined
    } else {
      const woken = this.#memory.waitAsync(this.#index, expected)
      if (!woken) return undefined
      this.#pending = true
      void woken.then(this.#onWoken)
    }
    const task: Task = { wake, expected, waits: true }
    this.#tasks.add(task)
    return () => {
      task.waits = false
      this.#tasks.delete(task)
    }
  }

  makeWay(): void {
    if (!this.#pending || this.#isWoken) return
    this.#isWoken = true
    this.#memory.notify(this.#index, EVERYBODY)
  }

  tick(): void {
    if (this.#tasks.size > 0) this.#lookAfterLostWakeUps()
    else if (this.#pending && !this.#memory.isClosed) this.#memory.notify(this.#index, 1)
    else {
      // It has stayed until now for the next one to come.
      stopTicking(this)
      this.#siblings.delete(this.#index)
    }
  }

  #wakeAll(): void {
    this.#pending = false
    this.#isWoken = false
    if (this.#tasks.size > 0) this.#lookAgain()
    else if (!this.#memory.isClosed) this.#memory.notify(this.#index, 1)
  }

  #lookAfterLostWakeUps(): void {
    // The first one has waited longest: if the word has changed since anybody looked, then since it did.
    const [first] = this.#tasks
    const isUnchanged = Atomics.load(this.#memory.words, this.#index) === first?.expected && !this.#memory.isClosed
    this.#lookAgain(isUnchanged ? looksPerTick : this.#tasks.size)
  }

  /** Lets the first `count` tasks look; those that wait on stand at the end then. */
  #lookAgain(count = this.#tasks.size): void {
    const tasks: Task[] = []
    for (const task of this.#tasks) {
      if (tasks.length === count) break
      tasks.push(task)
    }
    for (const task of tasks) this.#tasks.delete(task)
    for (const task of tasks) {
      // One that goes first may make another one give up.
      if (!task.waits) continue
      task.waits = false
      task.wake()
    }
  }
}
