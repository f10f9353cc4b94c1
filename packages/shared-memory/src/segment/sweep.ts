import fs from 'node:fs'
import { SegmentError } from '../errors.js'
import { folder, listFiles, openBell, openExisting, unlink, unlinkIfSame } from './files.js'
import type { Kernel } from './kernel.js'
import { allBytes } from './participants.js'

/**
 * Removes what the dead have left in the folder: segments that nobody takes part in any more, files that were never finished,
 * bells that nobody reads. What cannot be trusted is left alone.
 *
 * @returns the names of the segments that live
 */
export function sweep(kernel: Kernel): string[] {
  const { segments, unfinished, bells } = listFiles()
  const living = segments.filter((name) => !removeIfDead(kernel, `${folder()}/${name}`))
  for (const name of unfinished) removeIfDead(kernel, `${folder()}/${name}`)
  for (const name of bells) removeIfUnread(`${folder()}/${name}`)
  return living
}

function removeIfDead(kernel: Kernel, path: string): boolean {
  let fd: number | undefined
  try {
    fd = openExisting(path)
  } catch (error) {
    if (error instanceof SegmentError) return false
    throw error
  }
  if (fd === undefined) return true
  try {
    return removeIfLast(kernel, fd, path)
  } finally {
    fs.closeSync(fd)
  }
}

/**
 * Removes the name of a segment unless another descriptor has a participant's byte.
 *
 * Whoever removes has all bytes until it closes the descriptor, so that nobody joins meanwhile; who joins looks afterwards
 * whether the name is still there.
 */
export function removeIfLast(kernel: Kernel, fd: number, path: string): boolean {
  if (!kernel.lockBytes(fd, allBytes.start, allBytes.length)) return false
  unlinkIfSame(fd, path)
  return true
}

function removeIfUnread(path: string): void {
  const fd = openBell(path)
  if (fd === undefined) unlink(path)
  else fs.closeSync(fd)
}
