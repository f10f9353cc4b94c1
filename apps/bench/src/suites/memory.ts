import type { BenchOptions } from '../arguments.js'
import { measurePlans } from '../plans.js'
import type { Row } from '../report.js'
import { plans } from './memory-plans.js'

/** What memory that processes share costs: beside that of threads, beside the bare system calls, and beside messages. */
export function memorySuite(options: BenchOptions): Promise<Row[]> {
  return measurePlans('memory', new URL('../duels/memory.js', import.meta.url), plans, options)
}
