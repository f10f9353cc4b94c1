import { fileURLToPath } from 'node:url'
import { loadPeer } from '../sync/load.js'
import type { Pool } from './contender.js'

const load = () => loadPeer('tinypool', () => import('tinypool'))

/** The modules whose function a worker can run. */
type Module = 'increment' | 'length-of' | 'spin' | 'whereabouts'

export const fileOf = (module: Module) => fileURLToPath(new URL(`./${module}.js`, import.meta.url))

export async function newThreads(workers: number, module: Module) {
  const { module: peer, version } = await load()
  const pool = new peer.Tinypool({
    runtime: 'worker_threads',
    filename: fileOf(module),
    minThreads: workers,
    maxThreads: workers,
    useAtomics: false,
  })
  return { pool, version }
}

export async function newProcesses(workers: number, module: Module) {
  const { module: peer, version } = await load()
  const pool = new peer.Tinypool({
    runtime: 'child_process',
    serialization: 'advanced',
    env: environment(),
    filename: fileOf(module),
    minThreads: workers,
    maxThreads: workers,
  })
  return { pool, version }
}

export const tinypoolThreads = async (workers = 1) => contender(await newThreads(workers, 'increment'))
export const tinypoolProcesses = async (workers = 1) => contender(await newProcesses(workers, 'increment'))

function contender({ pool, version }: Awaited<ReturnType<typeof newThreads>>): Pool {
  return { version, call: (n) => pool.run(n), close: () => pool.destroy() }
}

function environment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}
