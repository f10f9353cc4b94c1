import fs from 'node:fs'
import { Socket } from 'node:net'
import { generationOf, slotOf } from '@heddle/sync-primitives/building-blocks'
import { bellPath, newBellPath, openBell, openOwnBell, unlink } from './files.js'
import { thisThread } from './identity.js'
import type { Kernel } from './kernel.js'
import { slotIndex } from './participants.js'
import { ARMED, BELL } from './slots.js'

/** The value of ARMED by which a thread wants to be woken for any word. */
export const ANY_WORD = -1

/**
 * Wakes event loops of other threads, which cannot sleep on a word: each has a FIFO that it reads, its bell.
 *
 * Invariant: a thread arms before it looks at the word for the last time, and whoever changes a word looks at ARMED after it:
 * so of the two one always sees the other. Who disarms rings.
 */
export class Doorbells {
  readonly #words: Int32Array
  readonly #identity: string
  readonly #ownSlot: number
  /** Descriptors of others' bells, by slot, with the generation that they are of. */
  readonly #others = new Map<number, { readonly generation: number; readonly fd: number }>()

  constructor(words: Int32Array, identity: string, participant: number) {
    this.#words = words
    this.#identity = identity
    this.#ownSlot = slotOf(participant)
  }

  /** Rings for all other threads up to the slot `highest` that wait for this word, or for any. */
  ring(index: number, highest: number): void {
    for (let slot = 1; slot <= highest; slot++) {
      const armedAt = slotIndex(slot) + ARMED
      const armed = Atomics.load(this.#words, armedAt)
      if (armed === 0 || (armed !== index && armed !== ANY_WORD) || slot === this.#ownSlot) continue
      if (Atomics.exchange(this.#words, armedAt, 0) !== 0) this.#ringOther(slot)
    }
  }

  #ringOther(slot: number): void {
    const bell = Atomics.load(this.#words, slotIndex(slot) + BELL)
    if (bell === 0) return
    const fd = this.#open(slot, bell - 1)
    if (fd === undefined) return
    try {
      fs.writeSync(fd, ring)
    } catch {
      // Full: it is rung already. Nobody reads any more: its thread has ended. Whatever else: who waits looks by itself, later.
    }
  }

  #open(slot: number, generation: number): number | undefined {
    const known = this.#others.get(slot)
    if (known?.generation === generation) return known.fd
    if (known) fs.closeSync(known.fd)
    this.#others.delete(slot)
    const fd = openBell(bellPath(this.#identity, slot, generation))
    if (typeof fd !== 'number') return undefined
    this.#others.set(slot, { generation, fd })
    return fd
  }

  close(): void {
    for (const { fd } of this.#others.values()) fs.closeSync(fd)
    this.#others.clear()
  }
}

const ring = Uint8Array.of(1)

/** Whose bell it is, and in which segment. */
interface BellPlace {
  readonly words: Int32Array
  readonly identity: string
  readonly participant: number
}

/** This thread's own bell. It does not keep the process alive. */
export class OwnBell {
  readonly #path: string
  readonly #socket: Socket

  /**
   * @param onRing - called in the event loop when somebody has rung, once for many
   * @throws when there is no descriptor for it, or the folder has no room; nothing stays behind
   */
  constructor(kernel: Kernel, { words, identity, participant }: BellPlace, onRing: () => void) {
    const slot = slotOf(participant)
    this.#path = bellPath(identity, slot, generationOf(participant))
    const made = newBellPath(thisThread().nativeId)
    kernel.makeFifo(made)
    try {
      this.#socket = new Socket({ fd: openOwnBell(made, this.#path), readable: true, writable: false })
    } catch (error) {
      unlink(made)
      throw error
    }
    this.#socket.unref()
    this.#socket.on('data', onRing)
    this.#socket.on('error', onRing)
    Atomics.store(words, slotIndex(slot) + BELL, generationOf(participant) + 1)
  }

  close(): void {
    this.forget()
    this.#socket.destroy()
  }

  /** Takes the name away: nobody is to ring any more. */
  forget(): void {
    unlink(this.#path)
  }
}
