import { readFileSync } from 'node:fs'

/** One that has ended stays a zombie as long as nobody has asked about it. */
const ended = /^(gone|Z|X)$/

export const hasEnded = (pid: number): boolean => ended.test(stateOf(pid))

/** Waits until all of them have ended; those that have not by then are killed. Gives their pids: none. */
export async function leftOf(pids: readonly number[], ms = 10_000): Promise<number[]> {
  const deadline = performance.now() + ms
  while (!pids.every(hasEnded) && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5))
  const left = pids.filter((pid) => !hasEnded(pid))
  for (const pid of left) process.kill(pid, 'SIGKILL')
  return left
}

/** What a process was started as; empty for one that is gone. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

/** As the system has it: one letter. */
function stateOf(pid: number): string {
  try {
    return / ([A-Z]) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/s, ''))?.[1] ?? 'unknown'
  } catch {
    return 'gone'
  }
}
