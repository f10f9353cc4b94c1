import type { BenchOptions } from '../arguments.js'
import { measurePlans } from '../plans.js'
import type { Row } from '../report.js'
import { plans } from './async-plans.js'

/** What the async patterns cost: beside the least that they could be, and beside the packages that do the same. */
export function asyncSuite(options: BenchOptions): Promise<Row[]> {
  return measurePlans('async', new URL('../duels/async.js', import.meta.url), plans, options)
}
