import {
  addAbortCallback,
  holdProcess,
  letProcessGo,
  objectOf,
  removeAbortCallback,
  signalOf,
  startTimer,
  timeoutOf,
} from '@heddle/pool-core/building-blocks'
import type { Notices } from '../connection/server.js'
import type { AcquireOptions } from './lease-options.js'
import { type Grant, LeaseRequest } from './lease-request.js'
import type { LeaseStore } from './lease-store.js'
import { WakeUps } from './wake-ups.js'

/** The acquisitions of one object in this program. Those that it asks for get their places in the line in that order. */
export class LeaseLine {
  readonly #store: LeaseStore
  readonly #wakeUps: WakeUps
  /** Resolves when the last one that came has its place. */
  #lastAsked: Promise<void> | undefined

  constructor(store: LeaseStore, notices: Notices) {
    this.#store = store
    this.#wakeUps = new WakeUps(notices, store.channel)
  }

  /**
   * Resolves with undefined when there was nothing in time. Holds the process until it settles.
   *
   * @throws (rejects) the reason of the signal; what the server says; TypeError, RangeError: bad options
   */
  async take(permits: number, lease: number, options: AcquireOptions | undefined): Promise<Grant | undefined> {
    const given = objectOf('options', options)
    const timeout = timeoutOf(given.timeout)
    const signal = signalOf(given.signal)
    if (signal?.aborted) throw signal.reason
    const request = new LeaseRequest(this.#store, this.#wakeUps, { permits, lease, mayWait: timeout !== 0 })
    holdProcess()
    try {
      return await this.#settle(request, timeout, signal)
    } finally {
      letProcessGo()
    }
  }

  #settle(
    request: LeaseRequest,
    timeout: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Grant | undefined> {
    return new Promise((resolve, reject) => {
      let isOver = false
      const end = () => {
        isOver = true
        stopTimer?.()
        if (signal) removeAbortCallback(signal, onAbort)
      }
      const giveUp = () => {
        end()
        request.giveUp()
      }
      const onAbort = () => {
        giveUp()
        reject(signal?.reason)
      }
      const onTime = () => {
        giveUp()
        resolve(undefined)
      }
      const stopTimer = timeout ? startTimer(timeout, onTime) : undefined
      if (signal) addAbortCallback(signal, onAbort)
      this.#run(request).then(
        (grant) => {
          // Given up in the same moment.
          if (isOver && grant) this.#store.release(grant.id).catch(() => undefined)
          if (isOver) return
          end()
          resolve(grant)
        },
        (error: unknown) => {
          if (!isOver) end()
          reject(error)
        },
      )
    })
  }

  #run(request: LeaseRequest): Promise<Grant | undefined> {
    if (!this.#store.mayOvertake) return request.run(undefined, () => undefined)
    let onAsked: () => void = () => undefined
    const before = this.#lastAsked
    this.#lastAsked = new Promise((resolve) => {
      onAsked = resolve
    })
    return request.run(before, onAsked)
  }
}
