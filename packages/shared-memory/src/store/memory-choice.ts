import { type Memory, ThreadMemory } from '@heddle/sync-primitives'
import { invalidArgument } from '@heddle/sync-primitives/building-blocks'

/** Where a dict, a list or a cache is made. */
export interface MemoryChoice {
  /** Where its words are. Default: a memory of its own that threads share, of `bytes`. */
  readonly memory?: Memory | undefined
  /** Without `memory`: the size of its own one. It never grows; pages that nobody touched cost nothing. Default: 16 MiB. */
  readonly bytes?: number | undefined
}

const defaultBytes = 16 * 1024 * 1024

/** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: a bad size, or `bytes` beside `memory` */
export function chosenMemory({ memory, bytes }: MemoryChoice): Memory {
  // Not by `??`: null is refused where the memory is used, or made.
  if (memory === undefined) return ThreadMemory.create({ bytes: bytes === undefined ? defaultBytes : bytes })
  if (bytes === undefined) return memory
  throw invalidArgument('bytes is the size of a memory of its own: it cannot stand beside memory')
}
