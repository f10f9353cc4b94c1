import { spawn } from 'node:child_process'

const windows = process.platform === 'win32'

/**
 * Runs a command without input and resolves with what it printed and how it ended: `ending` is its exit code, the signal
 * that ended it, or 'time-out'. The command and all that it starts are killed when time is up, when `signal` aborts (then
 * this rejects with the reason, once they are gone) and when this process exits.
 */
export function capture(command, args, { cwd, env = process.env, timeout = 60_000, signal } = {}) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    // A process group of its own, so that what it starts can be killed with it. Windows has no such groups.
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: !windows })
    const kill = () => {
      try {
        if (windows) child.kill()
        else if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It has just ended.
      }
    }
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      kill()
    }, timeout)
    signal?.addEventListener('abort', kill)
    process.prependOnceListener('exit', kill)
    const settle = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', kill)
      process.off('exit', kill)
    }
    const output = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'])
      child[name].setEncoding('utf8').on('data', (text) => {
        output[name] += text
      })
    child.once('error', (error) => {
      settle()
      reject(error)
    })
    child.once('close', (code, endedBy) => {
      settle()
      if (signal?.aborted) reject(signal.reason)
      else resolve({ ...output, ending: timedOut ? 'time-out' : (code ?? endedBy) })
    })
  })
}
