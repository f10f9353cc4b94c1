import { isMainThread } from 'node:worker_threads'
import { slotOf } from '@heddle/sync-primitives/building-blocks'
import { ANY_WORD, Doorbells, OwnBell } from './doorbell.js'
import type { Kernel } from './kernel.js'
import { HAS_POLLERS } from './layout.js'
import { slotIndex } from './participants.js'
import { ARMED } from './slots.js'
import { Waits } from './waits.js'

/** How a thread waits for words that other processes write, and how it wakes those who do. */
export interface Waiting {
  wait(index: number, expected: number, timeout: number): void
  waitAsync(index: number, expected: number): Promise<unknown> | undefined
  notify(index: number, count: number): void
  /** At the end of the thread: nobody is to ring for it any more. */
  forget(): void
  /** Ends what waits in this thread's event loop: it will look, and find the segment closed. */
  close(): void
}

/** What both ways need of a segment. */
export interface WaitingPlace {
  readonly words: Int32Array
  readonly identity: string
  readonly participant: number
  readonly highestSlotIndex: number
  readonly slots: number
}

/** The longest that a thread waits before it asks again whether somebody has died. */
const sliceMs = 20
/** How often within that a thread looks at the word which some other thread cannot wake it for, or which cannot be woken. */
const pollMs = 2
/** How often an event loop that waits looks without having been rung for. */
const lookMs = 50

/**
 * Of a thread that may call the kernel: it sleeps on the word itself (a futex) when it blocks, and has a bell for its event
 * loop.
 */
export class KernelWaiting implements Waiting {
  readonly #place: WaitingPlace
  readonly #kernel: Kernel
  readonly #address: number
  readonly #doorbells: Doorbells
  readonly #waits: Waits
  readonly #armedIndex: number
  #bell: OwnBell | undefined
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(place: WaitingPlace, kernel: Kernel, buffer: SharedArrayBuffer) {
    this.#place = place
    this.#kernel = kernel
    this.#address = kernel.addressOf(buffer)
    this.#doorbells = new Doorbells(place.words, place.identity, place.participant)
    this.#waits = new Waits(place.words)
    this.#armedIndex = slotIndex(slotOf(place.participant)) + ARMED
  }

  wait(index: number, expected: number, timeout: number): void {
    const { words } = this.#place
    if (words[HAS_POLLERS] === 0) this.#sleep(index, expected, Math.min(timeout, sliceMs))
    else pollFor(words, index, expected, timeout, (milliseconds) => this.#sleep(index, expected, milliseconds))
  }

  #sleep(index: number, expected: number, milliseconds: number): void {
    this.#kernel.wait(this.#address + index * 4, expected, milliseconds)
    // V8 looks at a loop of native calls every 250 rounds or so, but at this one every time: so that terminate() ends it.
    if (!isMainThread) Atomics.wait(privateWord, 0, 0, 0.01)
  }

  waitAsync(index: number, expected: number): Promise<unknown> | undefined {
    const { words } = this.#place
    if (Atomics.load(words, index) !== expected) return undefined
    this.#bell ??= this.#hangBell()
    const promise = this.#waits.add(index, expected)
    this.#arm()
    // A ring may be lost with the one who was to give it, and there may be no bell.
    this.#timer ??= setInterval(this.#onRing, lookMs).unref()
    if (Atomics.load(words, index) === expected) return promise
    this.#waits.wake(index)
    return undefined
  }

  /** Without one, as when this process has no descriptor left, it looks by itself. */
  #hangBell(): OwnBell | undefined {
    try {
      return new OwnBell(this.#kernel, this.#place, this.#onRing)
    } catch {
      return undefined
    }
  }

  notify(index: number, count: number): void {
    const { words, highestSlotIndex, slots } = this.#place
    if (words[HAS_POLLERS] !== 0) Atomics.notify(words, index, count)
    this.#kernel.wake(this.#address + index * 4, count)
    this.#waits.wake(index)
    this.#doorbells.ring(index, Math.min(Atomics.load(words, highestSlotIndex), slots))
  }

  forget(): void {
    this.#bell?.forget()
  }

  close(): void {
    clearInterval(this.#timer)
    Atomics.store(this.#place.words, this.#armedIndex, 0)
    this.#waits.wakeAll()
    this.#doorbells.close()
    this.#bell?.close()
  }

  #arm(): void {
    Atomics.store(this.#place.words, this.#armedIndex, this.#waits.onlyIndex ?? ANY_WORD)
  }

  readonly #onRing = (): void => {
    if (this.#waits.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
      return
    }
    // Armed before the last look, or a change between the two would ring for nobody.
    this.#arm()
    // If there is only one, it was meant: its word may have changed there and back.
    const only = this.#waits.onlyIndex
    if (only === undefined) this.#waits.wakeChanged()
    else this.#waits.wake(only)
  }
}

/**
 * Of a thread that was handed the memory and must not load native code: a worker that is terminated while it does takes the
 * process with it. Threads of its process wake it at once, other processes within two milliseconds; and threads that block in
 * other processes look as often once there is such a thread.
 */
export class PollingWaiting implements Waiting {
  readonly #place: WaitingPlace
  readonly #doorbells: Doorbells

  constructor(place: WaitingPlace) {
    this.#place = place
    this.#doorbells = new Doorbells(place.words, place.identity, place.participant)
    Atomics.store(place.words, HAS_POLLERS, 1)
  }

  wait(index: number, expected: number, timeout: number): void {
    const { words } = this.#place
    pollFor(words, index, expected, timeout, (milliseconds) => Atomics.wait(words, index, expected, milliseconds))
  }

  waitAsync(index: number, expected: number): Promise<unknown> | undefined {
    if (Atomics.load(this.#place.words, index) !== expected) return undefined
    return this.#pollAwaiting(index, expected)
  }

  async #pollAwaiting(index: number, expected: number): Promise<void> {
    for (let slept = 0; slept < sliceMs; slept += pollMs) {
      const outcome = Atomics.waitAsync(this.#place.words, index, expected, pollMs)
      if (!outcome.async || (await outcome.value) === 'ok') return
    }
  }

  notify(index: number, count: number): void {
    const { words, highestSlotIndex, slots } = this.#place
    Atomics.notify(words, index, count)
    this.#doorbells.ring(index, Math.min(Atomics.load(words, highestSlotIndex), slots))
  }

  forget(): void {}

  close(): void {
    this.#doorbells.close()
  }
}

/**
 * Sleeps again and again for a moment until the word has changed, or it is time to ask after the dead. Without going back to
 * the algorithm each time: it may take a lock to find out that nothing has changed, and many who do keep each other from it.
 */
function pollFor(
  words: Int32Array,
  index: number,
  expected: number,
  timeout: number,
  sleep: (milliseconds: number) => void,
): void {
  const end = performance.now() + Math.min(timeout, sliceMs)
  for (let left = Math.min(timeout, sliceMs); left > 0; left = end - performance.now()) {
    sleep(Math.min(left, pollMs))
    if (Atomics.load(words, index) !== expected) return
  }
}

const privateWord = new Int32Array(new SharedArrayBuffer(4))
