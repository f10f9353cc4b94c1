import { randomUUID } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { UsageError } from '../../cli/exit-codes.js'
import { printable } from '../../printable.js'
import { codeOf } from '../notes.js'
import { isIndexDatabase, MARK_BYTES } from './database-mark.js'

/**
 * A folder for the database while it is made: beside the file that it becomes, or in the system's folder for temporary files.
 * It is gone when the job ends or is told to end; the file is there only when it is whole.
 */
export class WorkFolder implements Disposable {
  /** Where the database is made. */
  readonly file: string
  /** No file of the job's own is an input, wherever the folder is: all their names begin with this, which no other name does. */
  readonly prefix: string
  readonly #path: string
  readonly #target: string | undefined
  readonly #signal: AbortSignal

  /**
   * @param target - where the database shall be in the end; undefined: nowhere, it goes with the folder
   * @throws UsageError: the target is something else than a database of this job, or its folder cannot be written to
   */
  constructor(target: string | undefined, signal: AbortSignal) {
    this.#target = target === undefined ? undefined : resolve(target)
    this.#signal = signal
    if (this.#target !== undefined) refuseOthers(this.#target)
    const parent = this.#target === undefined ? tmpdir() : dirname(this.#target)
    try {
      this.#path = mkdtempSync(join(parent, '.heddle-index-'))
    } catch (error) {
      throw new UsageError(
        `no folder can be made in ${printable(parent)} (${codeOf(error)}): name another place with --database FILE`,
      )
    }
    this.prefix = `heddle-${randomUUID()}`
    this.file = join(this.#path, `${this.prefix}.db`)
    // At once, not when all has ended: a second signal may leave no time for that.
    signal.addEventListener('abort', this.#remove, { once: true })
  }

  /** Puts the database, which must be closed, where it shall be. */
  keep(): void {
    if (this.#target === undefined) return
    const descriptor = openSync(this.file, 'r')
    try {
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    // Once more: something else may have got the name meanwhile.
    refuseOthers(this.#target)
    renameSync(this.file, this.#target)
  }

  [Symbol.dispose](): void {
    this.#signal.removeEventListener('abort', this.#remove)
    this.#remove()
  }

  readonly #remove = (): void => rmSync(this.#path, { recursive: true, force: true })
}

/** @throws UsageError: there is something that this job has not made, so it must not be replaced */
function refuseOthers(path: string): void {
  const shown = printable(path)
  let descriptor: number | undefined
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const head = Buffer.alloc(MARK_BYTES)
    if (fstatSync(descriptor).isFile() && readSync(descriptor, head) === MARK_BYTES && isIndexDatabase(head)) return
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw new UsageError(`${shown} cannot be replaced (${codeOf(error)}): name another file with --database FILE`)
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
  throw new UsageError(`${shown} is there and is no database of this job: name another file with --database FILE`)
}
