// The objects of one round of the storm, in the order in which a thread takes several of them.
import {
  AutoResetEvent,
  Barrier,
  Condition,
  Mutex,
  ReadWriteLock,
  RecursiveMutex,
  Semaphore,
} from '@heddle/sync-primitives'

export const permits = 3
/** Those whose holder excludes all others, so that its death is told. */
export const exclusive = ['mutex', 'fairMutex', 'recursiveMutex', 'readWriteLock', 'conditionMutex']
export const tasks = 2
/** Longer than this nothing may last, in milliseconds. */
export const bound = 2000

export function makeObjects(memory, parties) {
  const conditionMutex = new Mutex({ memory })
  return {
    mutex: new Mutex({ memory }),
    fairMutex: new Mutex({ memory, fair: true }),
    recursiveMutex: new RecursiveMutex({ memory }),
    readWriteLock: new ReadWriteLock({ memory }),
    semaphore: new Semaphore(permits, { memory, maxPermits: permits }),
    conditionMutex,
    condition: new Condition(conditionMutex, { maxWaiters: 16 }),
    barrier: new Barrier(parties, { memory }),
    event: new AutoResetEvent(false, { memory }),
  }
}

const classes = { AutoResetEvent, Barrier, Condition, Mutex, ReadWriteLock, RecursiveMutex, Semaphore }

export function openObjects(handles) {
  return Object.fromEntries(
    Object.entries(handles).map(([name, handle]) => [name, classes[handle.kind.split('/')[1]].fromHandle(handle)]),
  )
}

/**
 * What all threads of a round write down, in words that they share.
 *
 * HOLDS    · for each worker, object and task: what it knows of holding the object exclusively; see below
 * INSIDE   · for each object: who is inside, 1 + worker, or MAIN
 * TOLD     · for each object: how often a guard said that an owner had died
 * ORDERS   · for each worker: what it is told to do
 * ENDS     · 1: the storm is over
 * INTRUDED · how often two were inside at a time, or somebody was inside after a death that was not told
 */
export const workers = 3
export const MAIN = 1 + workers
const holds = workers * exclusive.length * tasks
const INSIDE = holds
const TOLD = INSIDE + exclusive.length
const ORDERS = TOLD + exclusive.length
const ENDS = ORDERS + workers
const INTRUDED = ENDS + 1
const roundWords = INTRUDED + 1

/** It holds nothing; it does not know, between the call and its return; it holds it. */
export const NOT_HELD = 0
export const UNSURE = 1
export const HELD = 2

/** What a worker is told to do: 0 for nothing, to end the thread by itself, to throw what nobody catches. */
export const EXIT = 1
export const CRASH = 2

export class Record {
  words

  constructor(words = new Int32Array(new SharedArrayBuffer(roundWords * 4))) {
    this.words = words
  }

  #hold(worker, name, task) {
    return (worker * exclusive.length + exclusive.indexOf(name)) * tasks + task
  }

  setHold(worker, name, task, state) {
    Atomics.store(this.words, this.#hold(worker, name, task), state)
  }

  /** What is known of the worker's holding of the object, by whatever task. */
  holdOf(worker, name) {
    const states = Array.from({ length: tasks }, (_, task) => Atomics.load(this.words, this.#hold(worker, name, task)))
    return Math.max(...states)
  }

  /** Somebody is inside from now on: the guard says whether somebody else may have been. */
  enter(name, who, ownerDied) {
    const before = Atomics.exchange(this.words, INSIDE + exclusive.indexOf(name), who)
    if (ownerDied) Atomics.add(this.words, TOLD + exclusive.indexOf(name), 1)
    else if (before !== 0) Atomics.add(this.words, INTRUDED, 1)
  }

  leave(name) {
    Atomics.store(this.words, INSIDE + exclusive.indexOf(name), 0)
  }

  toldOf(name) {
    return Atomics.load(this.words, TOLD + exclusive.indexOf(name))
  }

  get intrusions() {
    return Atomics.load(this.words, INTRUDED)
  }

  order(worker, what) {
    Atomics.store(this.words, ORDERS + worker, what)
  }

  orderOf(worker) {
    return Atomics.load(this.words, ORDERS + worker)
  }

  end() {
    Atomics.store(this.words, ENDS, 1)
  }

  get isOver() {
    return Atomics.load(this.words, ENDS) === 1
  }
}
