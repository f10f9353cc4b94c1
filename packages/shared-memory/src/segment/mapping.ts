import fs from 'node:fs'
import { unsupported } from '@heddle/sync-primitives/building-blocks'
import { CorruptError, SegmentError } from '../errors.js'
import type { Kernel } from './kernel.js'
import { type Header, headerBytes, identityOf, pageBytes, SIZE, SLOTS, whatIsWrong } from './layout.js'

/** A file that lies over memory of this process. */
export interface Mapping {
  readonly buffer: SharedArrayBuffer
  readonly words: Int32Array
}

const ENOSPC = 28

/** As all our runtimes have it; the type declarations of Node leave it to the DOM's. */
declare const WebAssembly: {
  readonly Memory: new (limits: {
    initial: number
    maximum: number
    shared: true
  }) => { readonly buffer: SharedArrayBuffer }
}

/**
 * Reserves the space of a new file, and lays it over memory.
 *
 * @throws SegmentError `ENOSPC`: there is not so much memory for shared files
 */
export function mapNew(kernel: Kernel, fd: number, bytes: number): Mapping {
  const errno = kernel.reserve(fd, bytes)
  if (errno === ENOSPC)
    throw new SegmentError(
      'ENOSPC',
      `there is no room for ${bytes} bytes under /dev/shm: of a container, raise its --shm-size`,
    )
  if (errno !== 0) throw new Error(`reserving ${bytes} bytes of shared memory failed with error ${errno}`)
  return map(kernel, fd, bytes)
}

/** @throws Error `ERR_UNSUPPORTED_PLATFORM`: this process may not reserve so much address space */
export function map(kernel: Kernel, fd: number, bytes: number): Mapping {
  const buffer = addressSpace(bytes)
  lay(kernel, buffer, fd)
  return { buffer, words: new Int32Array(buffer) }
}

/**
 * A real SharedArrayBuffer, which a plain mapping would not be: it goes to workers as it is, and the collector unmaps it when
 * no thread has it any more, never before. Only a WebAssembly memory has one whose pages may be replaced.
 */
function addressSpace(bytes: number): SharedArrayBuffer {
  const pages = bytes / pageBytes
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }).buffer
  } catch (cause) {
    throw unsupported('this process may not reserve address space for a segment: see `ulimit -v`, `node --jitless`', {
      cause,
    })
  }
}

/**
 * Lays the file over the buffer, by a description of its own: a mapping keeps the one that it was made with, and its locks,
 * when the descriptor is closed and its thread has ended.
 */
function lay(kernel: Kernel, buffer: SharedArrayBuffer, fd: number): void {
  const own = fs.openSync(`/proc/self/fd/${fd}`, 'r+')
  try {
    kernel.mapOver(buffer, own)
  } finally {
    fs.closeSync(own)
  }
}

let scratch: SharedArrayBuffer | undefined

/** Lets `use` work on the first page of the file. Nothing keeps the file afterwards. */
export function withFirstPage(kernel: Kernel, fd: number, use: (words: Int32Array) => void): void {
  scratch ??= addressSpace(pageBytes)
  lay(kernel, scratch, fd)
  try {
    use(new Int32Array(scratch))
  } finally {
    kernel.unmap(scratch)
  }
}

/**
 * Reads the header of a file before anything of it is mapped.
 *
 * @throws CorruptError `ERR_CORRUPT`: it is no segment, or was damaged
 */
export function readHeader(fd: number, name: string): Header {
  const words = new Int32Array(headerBytes / 4)
  const bytes = fs.fstatSync(fd).size
  const read = fs.readSync(fd, words, 0, headerBytes, 0)
  const wrong = read < headerBytes ? 'it is too short' : whatIsWrong(words, bytes)
  if (wrong !== undefined) throw new CorruptError(`the segment ${name} cannot be used: ${wrong}`)
  return { slots: words[SLOTS] as number, words: words[SIZE] as number, identity: identityOf(words) }
}
