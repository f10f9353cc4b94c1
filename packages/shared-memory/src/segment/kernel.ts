import { unsupported } from '@heddle/sync-primitives/building-blocks'
import { linuxKernel } from './kernel-linux.js'

/**
 * What a segment needs of the operating system beyond what Node gives: the seam for other platforms.
 *
 * Loaded with the first segment that a thread has to map itself, and never in a thread that was handed the memory by another
 * one: a worker that is terminated while it loads native code takes the whole process with it.
 */
export interface Kernel {
  /** Reserves the file's space, so that a full disk is an error now and not a crash at a later write. @returns 0 or an errno */
  reserve(fd: number, bytes: number): number
  /** Lays the file over the pages of `buffer`; from then on the buffer is the file. */
  mapOver(buffer: SharedArrayBuffer, fd: number): void
  /** Lays pages of zeros over the buffer: the file is out of reach, and whoever still reads the buffer reads zeros. */
  unmap(buffer: SharedArrayBuffer): void
  /** The place of the buffer's first byte, for `wait` and `wake`. */
  addressOf(buffer: SharedArrayBuffer): number
  /** Blocks while the word at `address` is `expected`, at most `milliseconds`; may return early. Other processes can wake it. */
  wait(address: number, expected: number, milliseconds: number): void
  /** Wakes up to `count` threads of any process that wait at `address`. */
  wake(address: number, count: number): void
  /** Takes the bytes of the file for this descriptor. @returns false: another descriptor has some of them */
  lockBytes(fd: number, start: number, length: number): boolean
  /** Whether another descriptor than this one has the byte. */
  isLocked(fd: number, start: number): boolean
  makeFifo(path: string): void
  /** Renames unless there is such a file. @returns false: there is */
  renameNew(from: string, to: string): boolean
}

let kernel: Kernel | undefined

/** Loads it, once in a thread. @throws Error `ERR_UNSUPPORTED_PLATFORM` */
export function loadKernel(): Kernel {
  checkPlatform()
  kernel ??= linuxKernel()
  return kernel
}

/** @throws Error `ERR_UNSUPPORTED_PLATFORM` */
export function checkPlatform(): void {
  if (process.platform !== 'linux')
    throw unsupported(
      `memory that processes share is there on Linux only, not on ${process.platform}; threads share memory everywhere`,
    )
}

/** The one that this thread has loaded, if it has. */
export function loadedKernel(): Kernel | undefined {
  return kernel
}
