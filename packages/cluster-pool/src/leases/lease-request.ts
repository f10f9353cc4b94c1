import { randomUUID } from 'node:crypto'
import { startTimer } from '@heddle/pool-core/building-blocks'
import { type LeaseStore, lookMs } from './lease-store.js'
import type { WakeUps } from './wake-ups.js'

/** What was acquired. */
export interface Grant {
  readonly id: string
  readonly permits: number
  readonly token: bigint
  /** On `performance.now()`'s clock, before the server was asked: the lease is counted from here. */
  readonly since: number
}

export interface Wanted {
  readonly permits: number
  /** Milliseconds. */
  readonly lease: number
  readonly mayWait: boolean
}

/**
 * One acquisition, from the first question to the grant.
 *
 * Invariant: one question is on its way at a time, and what gives back goes out after the answer to the last one: what was
 * given up is neither held nor in the line afterwards, as far as the server can be reached.
 */
export class LeaseRequest {
  readonly #id = randomUUID()
  readonly #store: LeaseStore
  readonly #wakeUps: WakeUps
  readonly #wanted: Wanted
  #isGivenUp = false
  /** Somebody has said that it may go next, or that this may be so. */
  #isNamed = false
  #endPause: (() => void) | undefined

  constructor(store: LeaseStore, wakeUps: WakeUps, wanted: Wanted) {
    this.#store = store
    this.#wakeUps = wakeUps
    this.#wanted = wanted
  }

  giveUp(): void {
    this.#isGivenUp = true
    this.#endPause?.()
  }

  /**
   * Asks until it has it. Resolves with undefined when it was given up, or when there was nothing and it may not wait.
   *
   * @param before - resolves when those that came earlier have their place in the line
   * @param onAsked - called when the first question is answered, or will not be put
   */
  async run(before: Promise<void> | undefined, onAsked: () => void): Promise<Grant | undefined> {
    try {
      await before
      if (this.#isGivenUp) return undefined
      this.#wakeUps.add(this.#id, () => this.#look())
      return await this.#askOn(onAsked)
    } finally {
      onAsked()
      this.#wakeUps.delete(this.#id)
    }
  }

  async #askOn(onAsked: () => void): Promise<Grant | undefined> {
    const { lease, permits, mayWait } = this.#wanted
    try {
      for (;;) {
        this.#isNamed = false
        const since = performance.now()
        const answer = await this.#store.ask({ id: this.#id, ...this.#wanted })
        onAsked()
        if (this.#isGivenUp) break
        if (answer.token !== undefined) {
          if (performance.now() - since < lease / 2) return { id: this.#id, permits, token: answer.token, since }
          // Most of the lease has gone by on the way: asked again, it is counted from now on.
          continue
        }
        if (!mayWait) return undefined
        this.#wakeUps.wait(this.#id)
        await this.#pause(Math.min(answer.waitMs, lookMs))
        if (this.#isGivenUp) break
      }
    } catch (error) {
      this.#giveBack()
      throw error
    }
    this.#giveBack()
    return undefined
  }

  /** Not waited for. When the server cannot be reached, the line and the lease end by themselves. */
  #giveBack(): void {
    this.#store.release(this.#id).catch(() => undefined)
  }

  #look(): void {
    this.#isNamed = true
    this.#endPause?.()
  }

  async #pause(ms: number): Promise<void> {
    if (this.#isNamed || this.#isGivenUp) return
    await new Promise<void>((resolve) => {
      const stopTimer = startTimer(Math.max(ms, 0), resolve)
      this.#endPause = () => {
        stopTimer()
        resolve()
      }
    })
    this.#endPause = undefined
  }
}
