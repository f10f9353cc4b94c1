import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const entry = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Started {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
}

/** Starts the demo as its users do, in a process group of its own; `env` comes on top of the environment. */
export function startDemo(
  args: readonly string[],
  cwd?: string,
  stdout: 'pipe' | number = 'pipe',
  env: Readonly<Record<string, string>> = {},
): Started {
  const child = spawn(process.execPath, [entry, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', stdout, 'pipe'],
    detached: true,
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
    })
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, ...output }))
  })
  return { child, ended }
}

/** Runs the demo to its end; with `stdoutFile`, that is where its standard output goes. */
export async function runDemo(args: readonly string[], cwd?: string, stdoutFile?: string): Promise<Ended> {
  if (stdoutFile === undefined) return await startDemo(args, cwd).ended
  const descriptor = openSync(stdoutFile, 'w')
  try {
    return await startDemo(args, cwd, descriptor).ended
  } finally {
    closeSync(descriptor)
  }
}

/** Resolves when the process has printed `text` on its error stream; rejects if it ends before. */
export async function printed(child: ChildProcess, text: string): Promise<void> {
  let seen = ''
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', (piece: string) => {
      seen += piece
      if (seen.includes(text)) resolve()
    })
    child.once('close', () => reject(new Error(`it ended without printing "${text}" but\n${seen}`)))
  })
}

/** Whether any process of the group that `child` led is still there. */
export function groupIsAlive(child: ChildProcess): boolean {
  try {
    process.kill(-(child.pid as number), 0)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}
