import { decodeValue, encodeThrown, fromBytes, toBytes } from '@heddle/codec'
// As a whole: this package has a LockStateError of its own.
import * as poolCore from '@heddle/pool-core'
import { invalidArgument, type RetryCounts } from '@heddle/pool-core/building-blocks'
import { ClusterError } from '../errors.js'

/** What stands in a stored task beside its name. Short names: it is kept as JSON by the server. */
export interface TaskData {
  /** The arguments, as bytes in base64. */
  readonly a: string
  /** Who is told: names the channel of replies. */
  readonly c: string
  /** Milliseconds that it may run. */
  readonly t?: number
  /** How often it is run again, where its caller has said so. */
  readonly n?: RetryCounts
  /** Somebody listens to its progress. */
  readonly p?: true
}

/** What a task came to. All but `value` hold an error, whose class the kind tells where it is one of the family. */
export type OutcomeKind =
  | 'value'
  | 'error'
  | 'timeout'
  | 'crashed'
  | 'refused'
  | 'leaked'
  | 'unregistered'
  | 'cancelled'

/** What is stored as the task's result, and told to its caller. */
export interface Outcome {
  readonly kind: OutcomeKind
  /** The value or the error, as bytes in base64. */
  readonly bytes: string
  /** Milliseconds that the run took on its node. */
  readonly ms: number
}

/** What a node tells a caller: several things at a time. `stored`: the outcome is long, fetch it. */
export type Reply =
  | readonly [id: string, what: 'started']
  | readonly [id: string, what: 'stored']
  | readonly [id: string, what: 'progress', bytes: string]
  | readonly [id: string, what: 'settled', outcome: Outcome]

export const replyChannel = (caller: string): string => `reply:${caller}`
export const cancelChannel = (pool: string): string => `cancel:${pool}`

/** @throws NotCloneableError `ERR_NOT_CLONEABLE` */
export function pack(value: unknown): string {
  return asBuffer(toBytes(value)).toString('base64')
}

/** @throws CorruptError `ERR_CORRUPT`; TypeError `ERR_BAD_HANDLE`: a shared object that cannot be opened here */
export function unpack(bytes: string): unknown {
  return fromBytes(Buffer.from(bytes, 'base64'))
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

/** Never throws: what cannot be sent is told by what stands for it. */
function packThrown(thrown: unknown): string {
  try {
    return pack(thrown)
  } catch {
    return pack(decodeValue(encodeThrown(thrown, 'process')))
  }
}

/** A result that cannot be sent is the failure of its task. */
export function outcomeOfValue(value: unknown, ms: number): Outcome {
  try {
    return { kind: 'value', bytes: pack(value), ms }
  } catch (error) {
    return { kind: 'error', bytes: packThrown(error), ms }
  }
}

export function outcomeOfError(error: unknown, ms: number): Outcome {
  return { kind: kindOf(error), bytes: packThrown(error), ms }
}

/** What a task has thrown arrives decoded, as no class of the family: only what a pool says of it is one. */
function kindOf(error: unknown): OutcomeKind {
  if (error instanceof poolCore.TimeoutError) return 'timeout'
  if (error instanceof poolCore.BrokenError) return 'crashed'
  if (error instanceof poolCore.TaskError) return 'refused'
  if (error instanceof poolCore.LockStateError) return 'leaked'
  if (error instanceof ClusterError) return 'unregistered'
  return 'error'
}

const classes: Partial<Record<OutcomeKind, { readonly prototype: Error }>> = {
  timeout: poolCore.TimeoutError,
  crashed: poolCore.BrokenError,
  refused: poolCore.TaskError,
  leaked: poolCore.LockStateError,
  unregistered: ClusterError,
}

/** The value or the error. What cannot be read is an error. */
export function openOutcome({ kind, bytes }: Outcome): { readonly ok: boolean; readonly value: unknown } {
  let value: unknown
  try {
    value = unpack(bytes)
  } catch (error) {
    return { ok: false, value: error }
  }
  const known = classes[kind]
  // The codec gives an error of its name; here it is one of its class as well, for whoever asks `instanceof`.
  if (known && value instanceof Error) Object.setPrototypeOf(value, known.prototype)
  return { ok: kind === 'value', value }
}

const kinds: ReadonlySet<unknown> = new Set<OutcomeKind>([
  'value',
  'error',
  'timeout',
  'crashed',
  'refused',
  'leaked',
  'unregistered',
  'cancelled',
])

/** What was stored or told, if it is an outcome: others may have written to the server. */
export function readOutcome(stored: unknown): Outcome | undefined {
  if (typeof stored !== 'object' || stored === null) return undefined
  const { kind, bytes, ms } = stored as Partial<Outcome>
  if (!kinds.has(kind) || typeof bytes !== 'string') return undefined
  return typeof ms === 'number' && Number.isFinite(ms) && ms >= 0 ? (stored as Outcome) : undefined
}

/** What stands in a stored task, if it is one of ours. */
export function readTaskData(stored: unknown): TaskData | undefined {
  if (typeof stored !== 'object' || stored === null) return undefined
  const { a, c, t } = stored as Partial<TaskData>
  if (typeof a !== 'string' || typeof c !== 'string') return undefined
  return t === undefined || (typeof t === 'number' && t >= 0) ? (stored as TaskData) : undefined
}

/** The name of a pool: it becomes a part of keys and channels. @throws TypeError `ERR_INVALID_ARG` */
export function poolNameOf(name: unknown): string {
  if (typeof name !== 'string' || !/^[A-Za-z0-9._-]{1,100}$/.test(name))
    throw invalidArgument('the name of a pool must be 1 to 100 letters, digits, points, _ and -')
  return name
}
