import { type Cluster, ClusterNode, ClusterPoolManager, type LocalServer } from '@heddle/cluster-pool'
import { conformanceTasks, executorCases } from '@heddle/pool-core/conformance'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { connect, engines, startServer } from './support/servers.js'

let pools = 0

/** A caller and a node of its own, which ends with it. */
class PoolWithNode extends ClusterPoolManager {
  readonly #node: Promise<ClusterNode>

  constructor(cluster: Cluster, concurrency: number, maxResults: number | undefined) {
    pools += 1
    const name = `pool-${pools}`
    super(cluster, { name, maxResults })
    this.#node = ClusterNode.start(cluster, { pool: name, concurrency, tasks: conformanceTasks })
  }

  override async drain(): Promise<void> {
    await super.drain()
    await (await this.#node).drain()
  }

  override async terminate(reason?: unknown): Promise<void> {
    await super.terminate(reason)
    await (await this.#node).terminate()
  }
}

describe.each(engines)('%s', (engine) => {
  let server: LocalServer
  let cluster: Cluster

  beforeAll(async () => {
    server = await startServer(engine)
    cluster = await connect(server)
  }, 60_000)

  afterAll(async () => {
    await cluster.close()
    await server.stop()
  })

  const cases = executorCases({
    create: ({ concurrency, maxResults }) => new PoolWithNode(cluster, concurrency, maxResults),
    traits: { isolated: true, endsLoops: true },
  })

  test.each(cases)(
    '$name',
    async ({ run }) => {
      expect(await run()).toBeUndefined()
    },
    50_000,
  )
})
