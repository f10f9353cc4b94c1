import { invalidArgument } from '../errors.js'
import type { Memory } from '../memory/memory.js'
import { describe } from '../options.js'

/** How an event is made. */
export interface EventOptions {
  /** Where its words are. Default: this thread's own memory. */
  readonly memory?: Memory | undefined
}

/** @throws TypeError `ERR_INVALID_ARG`: no boolean */
export function initiallySetOf(value: unknown): boolean {
  if (typeof value !== 'boolean') throw invalidArgument(`initiallySet must be true or false, not ${describe(value)}`)
  return value
}
