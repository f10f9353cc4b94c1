import type { BenchOptions } from '../arguments.js'
import { measurePlans } from '../plans.js'
import type { Row } from '../report.js'
import { plans } from './pool-plans.js'

/** What the pools cost: beside the bare tinypool under them, beside other pools, and beside no pool at all. */
export function poolSuite(options: BenchOptions): Promise<Row[]> {
  return measurePlans('pool', new URL('../duels/pool.js', import.meta.url), plans, options)
}
