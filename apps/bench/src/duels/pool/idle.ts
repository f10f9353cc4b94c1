import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { DuelRunner } from '../../arena.js'
import { portions, type Sizes } from '../../batches.js'
import { children, timeOf } from '../../peers/pool/children.js'
import type { Kind } from '../../peers/pool/idle-kinds.js'
import { versionOf } from '../../peers/version.js'
import type { Cost } from '../../report.js'
import { median } from '../../statistics.js'

const idleMs = 10_000
const settleMs = 4000
/** Idle programs do not disturb each other, so their rounds may be at the same time. */
const pairs = 11
const exits = 3
const deadlineMs = 5000
const restMs = 30_000

const program = fileURLToPath(new URL('../../peers/pool/idle-program.js', import.meta.url))
/** Some seconds after its start, V8 collects the garbage of the start, once: that is no cost of being idle. */
const flags = ['--no-memory-reducer']

/** Programs with a pool that has nothing to do. */
export const idleDuels: Readonly<Record<string, DuelRunner>> = {
  'idle-cost/threads': resting('threads'),
  'idle-cost/processes': resting('processes'),
  'idle-cost/tinypool': resting('threads', 'tinypool-threads'),
  'idle-exit/threads': leaving('threads', 'tinypool-threads'),
  'idle-exit/processes': leaving('processes', 'tinypool-processes'),
}

function resting(kind: Kind, other: Kind = 'none'): DuelRunner {
  return async (sizes) => {
    // The programs read it of their workers; Absent says so where that cannot be read.
    timeOf(children())
    const rounds = Array.from({ length: Math.min(sizes.rounds, pairs) })
    const [ours, rival] = await Promise.all(
      [kind, other].map((each) => Promise.all(rounds.map(() => restingCost(each, sizes)))),
    )
    return { duel: { ours: ours ?? [], rival: rival ?? [] }, rivalVersion: versionOfKind(other) }
  }
}

async function restingCost(kind: Kind, sizes: Sizes): Promise<Cost> {
  const { calls: duration } = portions(sizes, { calls: idleMs, batches: 1 })
  const settle = Math.min(settleMs, duration)
  const { printed, failure } = await runProgram([kind, `${settle}`, `${duration}`], restMs)
  if (failure !== undefined) throw new Error(`the program with ${kind} ${failure}`)
  return { cpu: Math.max(1, Number(printed)), wall: duration * 1000 }
}

/** How many programs do not end by themselves; on the clock how long one takes, its start included. */
function leaving(kind: Kind, other: Kind): DuelRunner {
  return async () => {
    const duel = { ours: [await leavingCost(kind)], rival: [await leavingCost(other)] }
    return { duel, rivalVersion: versionOfKind(other) }
  }
}

async function leavingCost(kind: Kind): Promise<Cost> {
  const [failures, times]: [string[], number[]] = [[], []]
  for (let n = 0; n < exits; n++) {
    const { failure, elapsed } = await runProgram([kind], deadlineMs)
    if (failure !== undefined) failures.push(failure)
    times.push(elapsed * 1000)
  }
  return { cpu: failures.length, wall: median(times) }
}

function versionOfKind(kind: Kind): string {
  return kind.startsWith('tinypool') ? versionOf('tinypool') : process.version
}

interface Run {
  readonly printed: string
  /** How it ended, if not well. */
  readonly failure: string | undefined
  /** ms from its start to its end. */
  readonly elapsed: number
}

async function runProgram(args: string[], deadline: number): Promise<Run> {
  const begun = performance.now()
  const child = spawn(process.execPath, [...flags, program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const timer = setTimeout(() => child.kill('SIGKILL'), deadline)
  let [printed, errors, elapsed] = ['', '', 0]
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk
  })
  child.on('exit', () => {
    elapsed = performance.now() - begun
  })
  const end = await new Promise<string | number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve(signal ?? code))
  })
  clearTimeout(timer)
  return { printed, elapsed, failure: end === 0 ? undefined : `ended with ${end}: ${errors.trim()}` }
}
