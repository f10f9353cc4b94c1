import { describe, invalidArgument, objectOf, outOfRange } from '@heddle/pool-core/building-blocks'
import type { Conditions, Ending } from './dict-store.js'

export interface DeleteOptions {
  /** Only if the entry has this version. */
  readonly ifVersion?: bigint | undefined
  /** Only if no higher one was seen for this key: the token of the guard under which it is done. */
  readonly fence?: bigint | undefined
}

export interface SetOptions {
  /** Milliseconds after which the entry ends, more than 0; default: never. */
  readonly ttl?: number | undefined
  /** Only if the entry has this version, or if there is none. */
  readonly ifVersion?: bigint | 'absent' | undefined
  /** Only if no higher one was seen for this key: the token of the guard under which it is done. */
  readonly fence?: bigint | undefined
}

export interface AddOptions {
  /** Milliseconds after which the entry ends, more than 0; default: when it did before. */
  readonly ttl?: number | undefined
}

export interface UpdateOptions extends AddOptions {
  /** Milliseconds for all attempts; default: for ever; 0 tries once. */
  readonly timeout?: number | undefined
  /** Gives up when it aborts; the promise rejects with `signal.reason` as given. */
  readonly signal?: AbortSignal | undefined
}

const mostKey = 1_000
const mostFence = 2n ** 63n - 1n
/** Some 285 years: what the clocks of both servers can add up exactly. */
const mostTtl = 2 ** 43

/** @throws TypeError `ERR_INVALID_ARG`: no string of 1 to 1,000 characters, or half a surrogate pair */
export function keyOf(key: unknown): string {
  if (typeof key !== 'string' || key === '' || key.length > mostKey)
    throw invalidArgument(`a key must be a string of 1 to ${mostKey} characters, not ${describe(key)}`)
  if (!key.isWellFormed()) throw invalidArgument('a key must be a string without halves of surrogate pairs')
  return key
}

/** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE` */
export function endingOf<Default extends Ending>(
  options: AddOptions | undefined,
  otherwise: Default,
): number | 'never' | Default {
  const { ttl } = objectOf('options', options)
  if (ttl === undefined) return otherwise
  if (ttl === Number.POSITIVE_INFINITY) return 'never'
  if (typeof ttl !== 'number') throw invalidArgument(`ttl must be a number of milliseconds, not ${describe(ttl)}`)
  if (!(ttl > 0 && ttl <= mostTtl)) throw outOfRange(`ttl must be more than 0 milliseconds, not ${ttl}`)
  return ttl
}

/** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE` */
export function conditionsOf(options: SetOptions | undefined): Conditions {
  const { ifVersion, fence } = objectOf('options', options)
  if (ifVersion !== undefined && ifVersion !== 'absent' && typeof ifVersion !== 'bigint')
    throw invalidArgument(`ifVersion must be a bigint or 'absent', not ${describe(ifVersion)}`)
  if (fence !== undefined && typeof fence !== 'bigint')
    throw invalidArgument(`fence must be a bigint, the token of a guard, not ${describe(fence)}`)
  if (fence !== undefined && (fence < 0n || fence > mostFence))
    throw outOfRange(`fence must be the token of a guard, not ${fence}`)
  return { ifVersion, fence }
}

/** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE` */
export function amountOf(amount: unknown): number {
  if (typeof amount !== 'number' && typeof amount !== 'bigint')
    throw invalidArgument(`amount must be a number or a bigint, not ${describe(amount)}`)
  const given = Number(amount)
  if (!Number.isSafeInteger(given)) throw outOfRange(`amount must be a safe integer, not ${amount}`)
  // Never -0.
  return given + 0
}
