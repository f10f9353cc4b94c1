import { execFile } from 'node:child_process'
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os'
import { promisify } from 'node:util'

/** Where and of what figures were measured. */
export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memoryGiB: number
  readonly system: string
  readonly node: string
  /** The commit, and whether something that is not committed was measured. */
  readonly commit: string
  /** The day it began, as 2026-01-31. */
  readonly date: string
}

/** @param root - the repository's folder */
export async function describeMachine(root: string): Promise<Machine> {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown processor',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${arch()} ${release()}`,
    node: process.version,
    commit: await describeCommit(root),
    date: new Date().toISOString().slice(0, 10),
  }
}

async function describeCommit(root: string): Promise<string> {
  const git = async (...args: string[]) => (await promisify(execFile)('git', ['-C', root, ...args])).stdout.trim()
  try {
    const commit = await git('rev-parse', '--short=10', 'HEAD')
    // What the page itself is made of is no change of what was measured.
    const changed = await git('status', '--porcelain', '--', '.', ':!docs')
    return changed === '' ? commit : `${commit} and changes that are not committed`
  } catch {
    return 'unknown: no git here'
  }
}
