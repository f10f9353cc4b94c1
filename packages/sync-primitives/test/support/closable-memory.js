import { registerMemory, ThreadMemory } from '@heddle/sync-primitives'

const kind = 'test/closable'
const CLOSED = 0
const WAITING = 1

// Each handle opens a view of its own, as each thread has one of a segment.
registerMemory(kind, ({ buffer, flags }) => new ClosableMemory(ThreadMemory.of(buffer), new Int32Array(flags)))

export class ClosableMemory {
  #memory
  #flags
  #looks = 0
  #refusesWaits = false

  constructor(memory, flags) {
    this.#memory = memory
    this.#flags = flags
    this.words = memory.words
    this.participant = memory.participant
    this.slots = memory.slots
    this.highestSlotIndex = memory.highestSlotIndex
    this.identity = memory.identity
  }

  static create() {
    const memory = ThreadMemory.create({ bytes: 64 * 1024, participants: 15 })
    return new ClosableMemory(memory, new Int32Array(new SharedArrayBuffer(8)))
  }

  get isClosed() {
    if (Atomics.load(this.#flags, CLOSED) === 1) return true
    if (this.#looks > 0 && --this.#looks === 0) this.takeAway()
    return false
  }

  takeAwayAfterLooks(looks) {
    this.#looks = looks
  }

  refuseWaits() {
    this.#refusesWaits = true
  }

  #throwIfRefused() {
    if (this.#refusesWaits) throw Object.assign(new Error('it would have to wait'), { code: 'WOULD_WAIT' })
  }

  get isWaitedFor() {
    return Atomics.load(this.#flags, WAITING) === 1
  }

  leave() {
    Atomics.store(this.#flags, CLOSED, 1)
  }

  takeAway() {
    this.leave()
    this.words.fill(0)
  }

  wait(index, expected, timeout) {
    this.#throwIfRefused()
    Atomics.store(this.#flags, WAITING, 1)
    this.#memory.wait(index, expected, timeout)
  }

  toHandle() {
    return { memory: kind, buffer: this.#memory.buffer, flags: this.#flags.buffer }
  }

  allocate(count) {
    return this.#memory.allocate(count)
  }

  isAllocated(index) {
    return this.#memory.isAllocated(index)
  }

  waitAsync(index, expected) {
    this.#throwIfRefused()
    return this.#memory.waitAsync(index, expected)
  }

  notify(index, count) {
    this.#memory.notify(index, count)
  }

  isDead(participant, fresh) {
    return this.#memory.isDead(participant, fresh)
  }

  setAwaited(index) {
    this.#memory.setAwaited(index)
  }

  awaitedBy(participant) {
    return this.#memory.awaitedBy(participant)
  }

  threadIdOf(participant) {
    return this.#memory.threadIdOf(participant)
  }
}
