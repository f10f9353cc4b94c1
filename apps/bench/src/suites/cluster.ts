import type { BenchOptions } from '../arguments.js'
import { measurePlans } from '../plans.js'
import type { Row } from '../report.js'
import { plans } from './cluster-plans.js'

/** What tasks for other machines cost over the job queue under them, and whether each comes to its end. */
export function clusterSuite(options: BenchOptions): Promise<Row[]> {
  return measurePlans('cluster', new URL('../duels/cluster.js', import.meta.url), plans, options)
}
