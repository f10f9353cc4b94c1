import type { BenchOptions } from '../arguments.js'
import { measurePlans } from '../plans.js'
import type { Row } from '../report.js'
import { plans } from './channels-plans.js'

/** What it takes to send something from thread to thread and from process to process: beside messages, and beside Python's ways. */
export function channelsSuite(options: BenchOptions): Promise<Row[]> {
  return measurePlans('channels', new URL('../duels/channels.js', import.meta.url), plans, options)
}
