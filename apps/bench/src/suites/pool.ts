import type { BenchOptions } from '../arguments.js'
import { type Contender, runDuel } from '../duel.js'
import { heddleThreads } from '../peers/heddle.js'
import { meets, type Row, summarize } from '../report.js'

interface Rival {
  readonly rival: string
  readonly note?: string
  readonly start: () => Promise<Contender & { readonly version: string }>
}

const gate = 'pool-latency-threads'
const goal = '<= 1.5'

// Loaded when their turn comes: a peer that is missing is a row that says so, and the others are measured all the same.
const rivals: readonly Rival[] = [
  {
    rival: 'tinypool',
    note: 'one worker, useAtomics: false, as in the pool',
    start: async () => (await import('../peers/tinypool.js')).tinypoolThreads(),
  },
  {
    rival: 'piscina',
    note: "one worker, atomics: 'disabled'",
    start: async () => (await import('../peers/piscina.js')).piscinaThreads(),
  },
  {
    rival: 'workerpool',
    note: "one worker, workerType: 'thread'",
    start: async () => (await import('../peers/workerpool.js')).workerpoolThreads(),
  },
  {
    rival: 'a bare worker thread',
    note: 'the physical limit: postMessage there and back',
    start: async () => (await import('../peers/bare-thread.js')).bareThread(),
  },
]

/** What one lone task costs through a pool of one worker thread: the first row is the gate, the others stand beside it. */
export async function poolSuite({ rounds, calls = 1000 }: BenchOptions): Promise<Row[]> {
  const rows: Row[] = []
  for (const [index, { rival, note, start }] of rivals.entries()) {
    const about = index === 0 ? { gate, goal } : { beside: gate }
    let contender: Awaited<ReturnType<Rival['start']>>
    try {
      contender = await start()
    } catch (error) {
      const skipped = { suite: 'pool', rival, skipped: (error as Error).message }
      rows.push('gate' in about ? { ...skipped, ...about, ok: false } : { ...skipped, ...about })
      continue
    }
    const ours = await heddleThreads()
    try {
      const duel = await runDuel(ours, contender, { rounds, calls })
      const measured = summarize(duel, {
        suite: 'pool',
        rival,
        rivalVersion: contender.version,
        ...(note ? { note } : {}),
      })
      rows.push(
        'gate' in about ? { ...about, ok: meets(measured.value, goal), ...measured } : { ...about, ...measured },
      )
    } finally {
      await Promise.all([ours.close(), contender.close()])
    }
  }
  return rows
}
