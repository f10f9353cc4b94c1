import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { trackWorker } from '@heddle/sync-primitives'
import { printable } from '../../printable.js'

/** What a lane runs in. */
export interface Body {
  readonly kind: 'thread' | 'process' | 'task'
  readonly pid: number | undefined
  readonly threadId: number | undefined
  /**
   * Resolves when it has ended: with what to say of it if nobody here has ended it, such as "ended by SIGKILL". Never rejects.
   */
  readonly ended: Promise<string>
  /** Ends it at once, whatever it does. */
  end(): void
}

/** A thread that runs a module with this data. */
export function threadBody(module: URL, data: unknown): Body {
  const worker = new Worker(module, { workerData: data, execArgv: [] })
  trackWorker(worker)
  let failure: string | undefined
  worker.on('error', (error: unknown) => {
    failure = `ended: ${describe(error)}`
  })
  return {
    kind: 'thread',
    pid: undefined,
    threadId: worker.threadId,
    ended: new Promise((resolve) => worker.once('exit', (code) => resolve(failure ?? `ended with exit code ${code}`))),
    end: () => void worker.terminate(),
  }
}

/** A child process that runs a module with this data, which must be JSON. It is to end when its parent lets go of it. */
export function processBody(module: URL, data: unknown): Body {
  const child = fork(fileURLToPath(module), [JSON.stringify(data)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [],
  })
  return {
    kind: 'process',
    pid: child.pid,
    threadId: undefined,
    ended: endOf(child),
    end: () => void child.kill('SIGKILL'),
  }
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.on('error', (error) => {
      // Of one that runs, it says only that it could not be signalled: it has ended, or is going to.
      if (child.pid === undefined) resolve(`could not be started: ${describe(error)}`)
    })
    child.once('exit', (code, signal) => resolve(signal ? `ended by ${signal}` : `ended with exit code ${code}`))
  })
}

/** A task of this thread. @param run - ends soon after the abort of the signal, in whatever way */
export function taskBody(run: (signal: AbortSignal) => Promise<void>): Body {
  const controller = new AbortController()
  const { signal } = controller
  return {
    kind: 'task',
    pid: undefined,
    threadId: undefined,
    ended: run(signal).then(
      () => 'ended by itself',
      (error: unknown) => `ended: ${describe(error)}`,
    ),
    end: () => controller.abort(),
  }
}

/** For a note. */
export function describe(error: unknown): string {
  return printable(error instanceof Error ? error.message : String(error))
}
