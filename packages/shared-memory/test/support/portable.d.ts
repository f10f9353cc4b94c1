import type { Segment } from '@heddle/shared-memory'
import type { PortableCase } from '../../../sync-primitives/test/portable/index.js'

/** Runs a portable case on a segment, with threads of this process as its workers. */
export function runWithThreads(each: PortableCase, segment: Segment): Promise<void>
/** The same with processes as its workers. */
export function runWithProcesses(each: PortableCase, segment: Segment): Promise<void>
/** Ends the processes that the cases have left. */
export function endProcesses(): Promise<unknown>
