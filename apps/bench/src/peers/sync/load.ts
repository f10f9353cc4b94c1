import { availableParallelism } from 'node:os'
import { Absent } from '../../arena.js'
import { versionOf } from '../version.js'

/** Loads a peer; one that is missing or does not load is {@link Absent}. */
export async function loadPeer<Module>(name: string, load: () => Promise<Module>): Promise<Peer<Module>> {
  try {
    return { module: await load(), version: versionOf(name) }
  } catch (error) {
    throw new Absent(`${name} does not load: ${(error as Error).message}`)
  }
}

interface Peer<Module> {
  readonly module: Module
  readonly version: string
}

/**
 * Loads `multithreading`, which reads the global `navigator`; Node 20 has none. It also replaces `self`, `Worker` and the
 * methods of `console`, so it is loaded in processes that do nothing else.
 */
export async function loadMultithreading() {
  if (!('navigator' in globalThis))
    Object.defineProperty(globalThis, 'navigator', { value: { hardwareConcurrency: availableParallelism() } })
  return await loadPeer('multithreading', () => import('multithreading'))
}

/** A class of ours; one that is not exported is {@link Absent}. */
export async function ourClass<Shape>(name: string): Promise<Shape> {
  const ours: Record<string, unknown> = await import('@heddle/sync-primitives')
  if (typeof ours[name] !== 'function') throw new Absent(`@heddle/sync-primitives exports no ${name}`)
  return ours[name] as Shape
}
