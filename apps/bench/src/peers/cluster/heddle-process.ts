import { Cluster, ClusterNode } from '@heddle/cluster-pool'
import { ThreadPoolManager } from '@heddle/worker-pool'
import { increment } from '../pool/heddle-tasks.js'
import { serve } from './other-process.js'
import { concurrency } from './runner.js'

await serve<{ readonly url: string }>(async ({ url }) => {
  const executor = new ThreadPoolManager({ maxWorkers: 1, maxQueued: Number.POSITIVE_INFINITY })
  await ClusterNode.start(await Cluster.connect({ url }), { tasks: [increment], concurrency, executor })
})
