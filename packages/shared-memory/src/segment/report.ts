import fs from 'node:fs'
import { SegmentError } from '../errors.js'
import { openExisting, pathOf } from './files.js'
import { loadKernel } from './kernel.js'
import { areasIndex } from './layout.js'
import { readHeader } from './mapping.js'
import { type ParticipantReport, Participants } from './participants.js'
import { sweep } from './sweep.js'

/** One living segment. */
export interface SegmentReport {
  readonly name: string
  /** In bytes. */
  readonly size: number
  readonly participants: readonly ParticipantReport[]
}

/** All of this user. What cannot be read as a segment is left out. */
export function listSegments(): SegmentReport[] {
  return sweep(loadKernel()).flatMap((name) => reportOf(name) ?? [])
}

function reportOf(name: string): SegmentReport | undefined {
  let fd: number | undefined
  try {
    fd = openExisting(pathOf(name))
    if (fd === undefined) return undefined
    const { slots, words } = readHeader(fd, name)
    const table = new Int32Array(areasIndex(slots))
    fs.readSync(fd, table, 0, table.byteLength, 0)
    return { name, size: words * 4, participants: new Participants(table, slots, fd).report() }
  } catch (error) {
    if (error instanceof SegmentError || (error as { code?: unknown }).code === 'ERR_CORRUPT') return undefined
    throw error
  } finally {
    if (fd !== undefined) fs.closeSync(fd)
  }
}
