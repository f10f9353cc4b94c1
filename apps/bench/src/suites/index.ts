import type { BenchOptions } from '../arguments.js'
import type { Row } from '../report.js'

type Suite = (options: BenchOptions) => Promise<Row[]>

// Loaded when asked for: a suite needs nothing of the packages that only others measure.
export const suites: Readonly<Record<string, Suite>> = {
  pool: async (options) => (await import('./pool.js')).poolSuite(options),
  sync: async (options) => (await import('./sync.js')).syncSuite(options),
  memory: async (options) => (await import('./memory.js')).memorySuite(options),
  channels: async (options) => (await import('./channels.js')).channelsSuite(options),
  async: async (options) => (await import('./async.js')).asyncSuite(options),
  cluster: async (options) => (await import('./cluster.js')).clusterSuite(options),
}
