import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** How many threads a process has. */
export function threadCount(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).length
}

/** The children of a process that live. */
export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`)
    .flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' '))
    .filter((text) => text !== '')
    .map(Number)
}

export function isAlive(pid: number): boolean {
  try {
    // Of one that has ended and whose parent has not asked how, only the name is left.
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** The files of shared memory that a process has open or mapped. */
export function sharedFilesOf(pid: number): string[] {
  const mapped = readFileSync(`/proc/${pid}/maps`, 'utf8').match(/\/dev\/shm\/heddle-\S+/g) ?? []
  const open = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`)
    } catch {
      return ''
    }
  })
  return [...new Set([...mapped, ...open.filter((path) => path.startsWith('/dev/shm/heddle-'))])].filter(existsSync)
}

/** Resolves when it is so; looks again and again, since no event tells it. */
export async function becomesTrue(what: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`never so: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
