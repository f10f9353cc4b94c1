import { fileURLToPath } from 'node:url'
import { Tinypool } from 'tinypool'
import type { Contender } from '../duel.js'
import { versionOf } from './version.js'

export async function tinypoolThreads(): Promise<Contender & { version: string }> {
  const pool = new Tinypool({
    runtime: 'worker_threads',
    filename: fileURLToPath(new URL('./increment.js', import.meta.url)),
    minThreads: 1,
    maxThreads: 1,
    useAtomics: false,
  })
  return { version: versionOf('tinypool'), call: (n) => pool.run(n), close: () => pool.destroy() }
}
