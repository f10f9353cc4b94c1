import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from '../root.mjs'
import { importFromTests } from '../transpile.mjs'
import { verifyFaults } from './pools-faults.mjs'
import { verifyStorm } from './pools-storm.mjs'

const poolCore = join(root, 'packages', 'pool-core')

/** File in test/verify, what it exports, and how many schedules. */
const models = [
  ['claim-words', 'claimWordsModel', 0],
  ['scheduler', 'schedulerModel', 5_000],
]

/** The proofs of the pools. @returns how many rows failed */
export async function verify({ long, seed, print }) {
  const pools = await loadPools()
  let failures = await checkModels({ factor: long ? 10 : 1, seed, print })
  failures += await verifyFaults({ ...pools, rounds: long ? 20 : 1, print })
  failures += await verifyStorm({ ...pools, operations: long ? 50_000 : 5_000, seed, print })
  return failures
}

async function loadPools() {
  const load = (path) => import(pathToFileURL(join(root, 'packages', path)).href)
  const { ThreadPoolManager } = await load('worker-pool/dist/index.js')
  const { ProcessPoolManager } = await load('process-pool/dist/index.js')
  const tasks = await load('pool-core/test/verify/pool-tasks.mjs')
  return {
    tasks,
    runtimes: [
      { name: 'threads', isProcess: false, create: (options) => new ThreadPoolManager(options) },
      { name: 'processes', isProcess: true, create: (options) => new ProcessPoolManager(options) },
    ],
  }
}

async function checkModels({ factor, seed, print }) {
  let failures = 0
  for (const [file, name, share] of models) {
    if (!existsSync(join(poolCore, 'test', 'verify', `${file}.ts`))) throw new Error(`no model ${file}`)
    const model = (await importFromTests(poolCore, 'test/verify', `${file}.js`))[name]
    const begun = performance.now()
    let outcome
    try {
      outcome = (await model({ runs: share * factor, seed })) ?? `${share * factor} schedules, 0 failures`
    } catch (error) {
      failures += 1
      outcome = `FAILED: ${error.message}`
    }
    print(`model ${file}: ${outcome}, ${((performance.now() - begun) / 1000).toFixed(1)} s (seed ${seed})`)
  }
  return failures
}
