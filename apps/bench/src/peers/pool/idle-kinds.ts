/** What a program has that does nothing. */
export type Kind = 'none' | 'threads' | 'processes' | 'tinypool-threads' | 'tinypool-processes'

type Run = (seed: number) => Promise<string>

const workers = 2

/** Starts a pool, waits until all of its workers have run something, and leaves it alone. It gives the time of its processes. */
export async function startIdle(kind: Kind): Promise<() => number> {
  if (kind === 'none') return () => 0
  const run = await starts[kind]()
  const seen = new Set<string>()
  // More tasks than workers, and long ones: a pool may well give several short ones to one worker.
  while (seen.size < workers) {
    const seeds = Array.from({ length: 4 * workers }, (_, seed) => seed)
    for (const whereabouts of await Promise.all(seeds.map(run))) seen.add(whereabouts)
  }
  if (!kind.endsWith('processes')) return () => 0
  const { timeOf } = await import('./children.js')
  return timeOf
}

// Loaded when asked for: an idle program has nothing but what it needs.
const starts: Readonly<Record<Exclude<Kind, 'none'>, () => Promise<Run>>> = {
  threads: async () => {
    const { newThreads } = await import('./heddle.js')
    const { whereabouts } = await import('./heddle-tasks.js')
    const pool = newThreads(workers)
    return (seed) => pool.run(whereabouts, [seed])
  },
  processes: async () => {
    const { newProcesses } = await import('./heddle.js')
    const { whereabouts } = await import('./heddle-tasks.js')
    const pool = newProcesses(workers)
    return (seed) => pool.run(whereabouts, [seed])
  },
  'tinypool-threads': async () => {
    const { newThreads } = await import('./tinypool.js')
    const { pool } = await newThreads(workers, 'whereabouts')
    return (seed) => pool.run(seed)
  },
  'tinypool-processes': async () => {
    const { newProcesses } = await import('./tinypool.js')
    const { pool } = await newProcesses(workers, 'whereabouts')
    return (seed) => pool.run(seed)
  },
}
