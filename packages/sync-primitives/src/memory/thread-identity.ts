/** Enough to find out later whether a thread has ended. */
export interface ThreadIdentity {
  /** `worker_threads.threadId`; 0 on the main thread and where there is no such thing. */
  readonly threadId: number
  /** The kernel's id of the thread; 0 where it is not known. */
  readonly nativeId: number
  /** When the kernel started it, in its ticks. */
  readonly started: number
}

interface FileSystem {
  readonly readlinkSync: (path: string) => string
  readonly readFileSync: (path: string, encoding: 'latin1') => string
}

interface Host {
  readonly platform?: string
  getBuiltinModule?(name: string): unknown
}

/**
 * Linux shows each thread of this process under /proc/self/task, until it has ended. It says so to any thread, also while the
 * main thread blocks; nobody has to be told of a worker first, and none that is only slow is ever taken for dead.
 */
const fileSystem = ((): FileSystem | undefined => {
  const host = (globalThis as { process?: Host }).process
  // Not in Deno: it would ask the user for the permission to read a file.
  if (host?.platform !== 'linux' || 'Deno' in globalThis) return undefined
  const fs = host.getBuiltinModule?.('node:fs') as FileSystem | undefined
  // As they are now: a test that replaces them later must not make a thread look dead.
  return fs && { readlinkSync: fs.readlinkSync, readFileSync: fs.readFileSync }
})()

let identity: ThreadIdentity | undefined

export function thisThread(): ThreadIdentity {
  identity ??= { threadId: readThreadId(), ...readNativeIdentity() }
  return identity
}

function readThreadId(): number {
  const host = (globalThis as { process?: Host }).process
  const threads = host?.getBuiltinModule?.('node:worker_threads') as { threadId?: number } | undefined
  return threads?.threadId ?? 0
}

function readNativeIdentity(): { nativeId: number; started: number } {
  try {
    const nativeId = Number(fileSystem?.readlinkSync('/proc/thread-self').split('/').at(-1) ?? 0)
    const started = Number.isInteger(nativeId) && nativeId > 0 ? startOf(nativeId) : undefined
    return started === undefined ? { nativeId: 0, started: 0 } : { nativeId, started }
  } catch {
    return { nativeId: 0, started: 0 } // no /proc here
  }
}

/** Threads that this thread was told of. */
const seenToEnd = new Set<number>()

/** `threadId` as `worker_threads` gives it, once for each thread of a process. */
export function noteEnd(threadId: number): void {
  seenToEnd.add(threadId)
}

/** Whether the kernel says that this thread of this process has ended. False where it cannot be asked. */
export function threadHasEnded({ threadId, nativeId, started }: ThreadIdentity): boolean {
  if (seenToEnd.has(threadId)) return true
  if (nativeId === 0 || !fileSystem) return false
  try {
    const now = startOf(nativeId)
    return now !== undefined && now !== started
  } catch (error) {
    return isAbsence(error) && seesItself()
  }
}

/** Whether the kernel says that this process has no such thread. */
export function nativeThreadIsGone(nativeId: number): boolean {
  if (nativeId <= 0 || !fileSystem) return false
  try {
    startOf(nativeId)
    return false
  } catch (error) {
    return isAbsence(error) && seesItself()
  }
}

function isAbsence(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return code === 'ENOENT' || code === 'ESRCH'
}

/** Whether the kernel shows this thread at this moment: if it does not, it says nothing about others either. */
function seesItself(): boolean {
  const own = thisThread()
  try {
    return own.nativeId !== 0 && startOf(own.nativeId) === own.started
  } catch {
    return false
  }
}

/** Field 22 of the thread's stat, cut to 31 bits. Counted from behind the name, which may hold anything. */
function startOf(nativeId: number): number | undefined {
  const stat = fileSystem?.readFileSync(`/proc/self/task/${nativeId}/stat`, 'latin1')
  if (stat === undefined) return undefined
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[19])
  return Number.isSafeInteger(ticks) ? ticks % 2 ** 31 : undefined
}
