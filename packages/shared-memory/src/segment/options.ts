import { mostSlots, objectOption, wholeNumber } from '@heddle/sync-primitives/building-blocks'
import { checkName } from './files.js'
import { mostBytes, pageBytes } from './layout.js'

/** How a segment is made. */
export interface SegmentOptions {
  /** By which other processes open it: 1 to 100 letters, digits, dots, underscores and dashes. Default: a random one. */
  readonly name?: string | undefined
  /** Its size in bytes, rounded up to a multiple of 65,536; it never grows. About 9,000 bytes of it are Heddle's own. */
  readonly size: number
  /** How many threads, of all processes together, may take part at a time, 1 to 255. Default: 64. */
  readonly participants?: number | undefined
}

const defaultSlots = 64

export interface CheckedOptions {
  readonly name: string | undefined
  readonly bytes: number
  readonly slots: number
}

/** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE` */
export function segmentOptions(options: SegmentOptions): CheckedOptions {
  const { name, size, participants = defaultSlots } = objectOption<SegmentOptions>(options)
  return {
    name: name === undefined ? undefined : checkName(name),
    bytes: Math.ceil(wholeNumber('size', size, 1, mostBytes) / pageBytes) * pageBytes,
    slots: wholeNumber('participants', participants, 1, mostSlots),
  }
}
