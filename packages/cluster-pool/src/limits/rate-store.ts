import type { RateLimiterAbstract } from 'rate-limiter-flexible'
import type { Server } from '../connection/cluster-server.js'
import { newPostgresRates } from './postgres-rates.js'
import type { RateLimits } from './rate-options.js'
import { newRedisRates } from './redis-rates.js'

/** What is used of the library. */
export type RateLibrary = Pick<
  typeof import('rate-limiter-flexible'),
  'RateLimiterPostgres' | 'RateLimiterRedis' | 'RateLimiterRes'
>

export interface RateAnswer {
  readonly isTaken: boolean
  /** If not: milliseconds until so many can be there, if nobody else takes any. */
  readonly waitMs: number
}

/** What the server keeps of one limiter. */
export class RateStore {
  readonly #server: Server
  readonly #name: string
  readonly #limits: RateLimits
  #limiter: RateLimiterAbstract | undefined

  constructor(server: Server, name: string, limits: RateLimits) {
    this.#server = server
    this.#name = name
    this.#limits = limits
  }

  /** When its answer was lost it is asked again: then more is taken than was given, never less. */
  async take(key: string, permits: number): Promise<RateAnswer> {
    // Not with this package: it takes as long to load as all the rest.
    const library = (await import('rate-limiter-flexible')).default
    this.#limiter ??= this.#newLimiter(library)
    const limiter = this.#limiter
    return this.#server.attempt(() => answerOf(library, limiter, key, permits), { idempotent: true })
  }

  #newLimiter(library: RateLibrary): RateLimiterAbstract {
    const server = this.#server
    // With its length: what the library puts between it and a key may be in either of them.
    const named = `${this.#name.length}:${this.#name}`
    return server.engine === 'redis'
      ? newRedisRates(library, server, named, this.#limits)
      : newPostgresRates(library, server, named, this.#limits)
  }
}

async function answerOf(
  library: RateLibrary,
  limiter: RateLimiterAbstract,
  key: string,
  permits: number,
): Promise<RateAnswer> {
  try {
    // Of the duration only that it is not 0: that is what the library needs to hand the question on.
    await limiter.consume(key, permits, { customDuration: 1 })
    return { isTaken: true, waitMs: 0 }
  } catch (refusal) {
    if (refusal instanceof library.RateLimiterRes) return { isTaken: false, waitMs: refusal.msBeforeNext }
    throw refusal
  }
}
