import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { defineTask } from '@heddle/process-pool'
// Not for its types alone: a process opens the handle of a shared object only if the object's package was imported there.
import '@heddle/shared-memory'
import type { SharedArray } from '@heddle/shared-memory'
import type { Batch } from '../index-batch.js'
import { throwUnlessRefused } from '../notes.js'

/** The bytes of a SHA-256. */
export const HASH_BYTES = 32

const buffer = Buffer.allocUnsafeSlow(1 << 18)
// As the threads open them: a fifo that takes a file's place must not hang the process.
const openFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/**
 * Hashes the files of a batch in a process of the pool, into memory that it shares with the others.
 *
 * Idempotent: it writes the same bytes to the same place however often it runs, so a process that is killed under it costs
 * nothing but time.
 *
 * @param shared - 32 bytes for each file, from `first` on
 * @returns for each path its number of bytes, or -1: it cannot be read, or is a binary file
 */
export const hashFiles = defineTask(
  import.meta.url,
  'hashFiles',
  ({ root, paths }: Batch, shared: SharedArray<'uint8'>, first: number): Float64Array => {
    const hashes = shared.view
    return Float64Array.from(paths, (path, index) => {
      const file = hashFile(Buffer.from(`${root}/${path}`, 'latin1'))
      if (file === undefined) return -1
      hashes.set(file.sha256, first + index * HASH_BYTES)
      return file.bytes
    })
  },
  { idempotent: true },
)

function hashFile(path: Buffer): { bytes: number; sha256: Uint8Array } | undefined {
  let descriptor: number | undefined
  try {
    descriptor = openSync(path, openFlags)
    if (!fstatSync(descriptor).isFile()) return undefined
    const hash = createHash('sha256')
    for (let bytes = 0; ; ) {
      const read = readSync(descriptor, buffer)
      if (read === 0) return { bytes, sha256: hash.digest() }
      const fresh = buffer.subarray(0, read)
      if (fresh.includes(0)) return undefined
      hash.update(fresh)
      bytes += read
    }
  } catch (error) {
    // The system's refusals are the threads' to report.
    throwUnlessRefused(error)
    return undefined
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}
