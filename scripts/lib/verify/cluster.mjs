import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from '../root.mjs'
import { verifyLocks } from './cluster-locks.mjs'
import { verifyTasks } from './cluster-tasks.mjs'

const packageOf = (path) => import(pathToFileURL(join(root, 'packages', 'cluster-pool', path)).href)

/** The proofs of `@heddle/cluster-pool`, on each server that this machine has. @returns how many rows failed */
export async function verify({ long, print }) {
  const heddle = await packageOf('dist/index.js')
  const tasks = await packageOf('test/fixtures/tasks.mjs')
  const { startNode } = await packageOf('test/support/nodes.js')
  const { breakConnections } = await packageOf('test/support/break-connections.js')
  const kit = { heddle, tasks, startNode, breakConnections, factor: long ? 10 : 1 }
  let failures = 0
  for (const engine of ['redis', 'postgres']) {
    if (!(await heddle.LocalServer.isAvailable(engine))) {
      // PostgreSQL comes with the packages; Redis is the machine's own.
      print(`${engine}: no server is found on this machine, nothing was verified`)
      failures += 1
      continue
    }
    const dir = mkdtempSync(join(tmpdir(), 'heddle-verify-'))
    const server = await heddle.LocalServer.start({ engine })
    const row = async (name, check) => {
      const begun = performance.now()
      let outcome
      try {
        outcome = await check()
      } catch (error) {
        failures += 1
        outcome = `FAILED: ${error.stack}`
      }
      print(`${engine}: ${name}: ${outcome}, ${((performance.now() - begun) / 1000).toFixed(1)} s`)
    }
    try {
      await verifyTasks({ ...kit, server, dir, row })
      await verifyLocks({ ...kit, server, dir, row })
    } finally {
      await server.stop()
      rmSync(dir, { recursive: true, force: true })
    }
  }
  return failures
}
