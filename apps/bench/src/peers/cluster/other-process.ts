import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** The process that runs the tasks of one side. */
export interface OtherProcess {
  readonly pid: number
  readonly close: () => Promise<void>
}

/**
 * Starts it, and resolves when it takes tasks.
 *
 * @param data - what it has to know; it gets that as a message, since others can read the arguments of a process
 */
export async function startOther(
  program: './heddle-process.js' | './bullmq-process.js',
  data: object,
): Promise<OtherProcess> {
  const child = fork(fileURLToPath(new URL(program, import.meta.url)), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit')
  child.send(data)
  const end = exited.then(([code, signal]) => {
    throw new Error(`the process that runs the tasks has ended with ${signal ?? code}`)
  })
  await Promise.race([once(child, 'message'), end])
  end.catch(() => undefined)
  return { pid: child.pid as number, close: () => ended(child, exited) }
}

async function ended(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  child.kill()
  await exited
}

/** In that process: starts what runs the tasks, and says so. It ends with the process that has started it. */
export async function serve<Data>(start: (data: Data) => Promise<unknown>): Promise<void> {
  process.once('disconnect', () => process.exit(0))
  const [data] = (await once(process, 'message')) as [Data]
  await start(data)
  process.send?.('ready')
}
