import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { SystemUser } from './system-user.js'

/** What servers get of our environment: what a program needs to be found and loaded, and none of the secrets that may be there. */
const passedOn = /^(PATH|LD_LIBRARY_PATH|DYLD_\w+|TMPDIR|TEMP|TMP|SystemRoot|SystemDrive|windir|COMSPEC|PATHEXT)$/i

export function serverEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => passedOn.test(name))
  // Messages in English, and times that are the same everywhere; with TZ initdb also need not find out the system's zone.
  return { ...Object.fromEntries(kept), LC_ALL: 'C', TZ: 'UTC' }
}

export function idsOf(user: SystemUser | undefined): { uid?: number; gid?: number } {
  return user ? { uid: user.uid, gid: user.gid } : {}
}

/**
 * Runs a program to its end, in `cwd` and in a process group of its own.
 *
 * @throws (rejects) Error: it cannot be started, or has failed (with all that it has printed), or was ended by the signal
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly user: SystemUser | undefined; readonly signal: AbortSignal },
): Promise<void> {
  const { cwd, user, signal } = options
  signal.throwIfAborted()
  const child = spawn(program, args, {
    cwd,
    ...idsOf(user),
    env: serverEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
    windowsHide: true,
  })
  // With the processes that it has started.
  const abort = () => killGroup(child.pid)
  signal.addEventListener('abort', abort)
  try {
    let printed = ''
    for (const output of [child.stdout, child.stderr])
      output.setEncoding('utf8').on('data', (text: string) => {
        printed += text
      })
    const [code, killedBy] = (await once(child, 'close')) as [number | null, string | null]
    signal.throwIfAborted()
    if (code !== 0) throw new Error(`${program} has ended ${howEnded(code, killedBy)}: ${printed.trim()}`)
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

export function howEnded(code: number | null, signal: string | null): string {
  return signal ? `by ${signal}` : `with code ${code}`
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
