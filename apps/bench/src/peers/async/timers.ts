import { loadPeer } from '../sync/load.js'
import { blocker } from './crowds.js'
import { newManager } from './heddle.js'
import { concurrency } from './submit.js'

type Task = () => Promise<void>

/** Hands in a task, which runs when there is a slot. */
export interface Start {
  readonly version: string
  readonly start: (task: Task) => Promise<unknown>
}

export function heddle(): Start {
  const manager = newManager(concurrency)
  return { version: process.version, start: (task) => manager.run(task, []) }
}

export async function pLimit(): Promise<Start> {
  const { module, version } = await loadPeer('p-limit', () => import('p-limit'))
  const limit = module.default(concurrency)
  return { version, start: (task) => limit(task) }
}

export async function pQueue(): Promise<Start> {
  const { module, version } = await loadPeer('p-queue', () => import('p-queue'))
  const queue = new module.default({ concurrency })
  return { version, start: (task) => queue.add(task) }
}

export async function fastq(): Promise<Start> {
  const { module, version } = await loadPeer('fastq', () => import('fastq'))
  const queue = module.default.promise((task: Task) => task(), concurrency)
  return { version, start: (task) => queue.push(task) }
}

/** How late a timer of 1 ms was, each time, in ms, while a backlog of so many tasks was worked off. */
export async function delaysWhileDraining({ start }: Start, tasks: number): Promise<number[]> {
  const { blocked, release } = blocker()
  const blockers = Array.from({ length: concurrency }, () => start(() => blocked))
  let left = tasks
  let onDone = () => {}
  const done = new Promise<void>((resolve) => {
    onDone = resolve
  })
  const task = async () => {
    left -= 1
    if (left === 0) onDone()
  }
  // Handing them in takes its time as well, and is not what is measured: the timer is set afterwards.
  for (let n = 0; n < tasks; n++) {
    void start(task)
    if (n % 1000 === 999) await new Promise((resolve) => setImmediate(resolve))
  }
  const delays = delaysUntil(done)
  release()
  await Promise.all(blockers)
  return await delays
}

/** The same timer while there is nothing else to do. */
export function delaysWhileIdle(milliseconds: number): Promise<number[]> {
  return delaysUntil(new Promise((resolve) => setTimeout(resolve, milliseconds)))
}

/** One that was set before `end` counts with all of its delay, even if it fires long after. */
async function delaysUntil(end: Promise<unknown>): Promise<number[]> {
  const delays: number[] = []
  let over = false
  const watched = new Promise<void>((resolve) => {
    let due = 0
    const tick = () => {
      delays.push(Math.max(0, performance.now() - due))
      if (over) resolve()
      else set()
    }
    const set = () => {
      due = performance.now() + 1
      setTimeout(tick, 1)
    }
    set()
  })
  await end
  over = true
  await watched
  return delays
}
