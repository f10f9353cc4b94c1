import fs from 'node:fs'
import { SegmentError } from '../errors.js'
import { bellMaker, folder, isFifo, listFiles, openBell, openExisting, unlink, unlinkIfSame } from './files.js'
import { isGone } from './identity.js'
import type { Kernel } from './kernel.js'
import { allBytes } from './participants.js'

/** How often a thread that makes segments looks after what others have left, in milliseconds. */
const intervalMs = 5_000
let swept = Number.NEGATIVE_INFINITY

/** As {@link sweep}, unless this thread has done it a moment ago: it looks at every segment there is. */
export function sweepNowAndThen(kernel: Kernel): void {
  if (performance.now() - swept < intervalMs) return
  swept = performance.now()
  sweep(kernel)
}

/**
 * Removes what the dead have left in the folder: segments that nobody takes part in any more, files that were never finished,
 * bells that nobody reads. What cannot be trusted, or is none of these, is left alone.
 *
 * @returns the names of the segments that live
 */
export function sweep(kernel: Kernel): string[] {
  const { segments, unfinished, bells, unfinishedBells } = listFiles()
  const at = (name: string): string => `${folder()}/${name}`
  const living = segments.filter((name) => !removeIfDead(kernel, at(name)))
  for (const name of unfinished) removeIfDead(kernel, at(name))
  for (const name of bells) if (isFifo(at(name))) removeIfUnread(at(name))
  for (const name of unfinishedBells) if (isFifo(at(name)) && isGone(bellMaker(name))) unlink(at(name))
  return living
}

/** @returns whether there is nothing of that name any more. False also for what cannot be trusted. */
export function removeIfDead(kernel: Kernel, path: string): boolean {
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
  const bell = openBell(path)
  if (bell === 'unread') unlink(path)
  else if (typeof bell === 'number') fs.closeSync(bell)
}
