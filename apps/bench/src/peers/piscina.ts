import { Piscina } from 'piscina'
import type { Contender } from '../duel.js'
import { versionOf } from './version.js'

export async function piscinaThreads(): Promise<Contender & { version: string }> {
  const pool = new Piscina({
    filename: new URL('./increment.js', import.meta.url).href,
    minThreads: 1,
    maxThreads: 1,
    atomics: 'disabled',
  })
  return { version: versionOf('piscina'), call: (n) => pool.run(n), close: () => pool.destroy() }
}
