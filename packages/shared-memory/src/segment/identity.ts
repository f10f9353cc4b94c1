import fs from 'node:fs'
import { threadId } from 'node:worker_threads'

/** What other processes can ask the kernel about a thread. */
export interface SystemIdentity {
  readonly processId: number
  /** The kernel's id of the thread. */
  readonly nativeId: number
  /** When the kernel started it, in its ticks, cut to 31 bits. */
  readonly started: number
  /** The process-id namespace, cut to 31 bits: ids mean nothing in another one. */
  readonly namespace: number
  /** `worker_threads.threadId`. */
  readonly threadId: number
}

let own: SystemIdentity | undefined

export function thisThread(): SystemIdentity {
  own ??= readOwn()
  return own
}

function readOwn(): SystemIdentity {
  const nativeId = Number(fs.readlinkSync('/proc/thread-self').split('/').at(-1))
  const stat = readStat(process.pid, nativeId)
  const [, namespace = '0'] = /\[(\d+)\]/.exec(fs.readlinkSync('/proc/self/ns/pid')) ?? []
  return {
    processId: process.pid,
    nativeId,
    started: stat?.started ?? 0,
    namespace: Number(namespace) % 2 ** 31,
    threadId,
  }
}

/** Whether the kernel says that the thread has ended: it is gone, a zombie, or its id is another one's. Unknown is never ended. */
export function hasEnded(other: SystemIdentity): boolean {
  if (other.namespace !== thisThread().namespace || other.nativeId === 0) return false
  try {
    const stat = readStat(other.processId, other.nativeId)
    return stat !== undefined && (stat.started !== other.started || stat.state === 'Z' || stat.state === 'X')
  } catch (error) {
    return isAbsence(error) && seesItself()
  }
}

/** Whether no thread of this machine has the id, as far as can be seen from here. */
export function isGone(nativeId: number): boolean {
  try {
    fs.accessSync(`/proc/${nativeId}/stat`)
    return false
  } catch (error) {
    return isAbsence(error) && seesItself()
  }
}

function isAbsence(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ESRCH'
}

/** If the kernel does not even show this thread, it says nothing about others. */
function seesItself(): boolean {
  const self = thisThread()
  try {
    return readStat(self.processId, self.nativeId)?.started === self.started
  } catch {
    return false
  }
}

/** Fields 3 and 22 of the thread's stat, counted from behind the name, which may hold anything. */
function readStat(processId: number, nativeId: number): { state: string; started: number } | undefined {
  const stat = fs.readFileSync(`/proc/${processId}/task/${nativeId}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[19])
  return Number.isSafeInteger(ticks) ? { state: fields[0] ?? '', started: ticks % 2 ** 31 } : undefined
}
