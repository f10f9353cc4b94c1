import type { PortableCase } from './index.js'

/** Runs one case in this program, with threads of this runtime as its workers. */
export function runInThreads(each: PortableCase): Promise<void>
