import { Worker } from 'node:worker_threads'

/** Milliseconds that an orphan has to end by itself. */
const graceMs = 200

/**
 * Runs in a thread of its own: the main thread may be in an endless loop. It reads the inherited standard input, a pipe that the
 * parent never writes to: it ends when the parent does, however that has ended, and the kernel tells at once.
 */
const source = `
  const { Socket } = require('node:net')
  const input = new Socket({ fd: 0, readable: true, writable: false })
  const end = () => setTimeout(() => process.kill(process.pid, 'SIGKILL'), ${graceMs})
  input.once('close', end).on('error', () => {}).resume()
`

/** Ends this process soon after its parent, even while it computes. Costs no time while both live. */
export function watchParent(): void {
  if (process.platform === 'win32') return
  const watch = new Worker(source, { eval: true, execArgv: [], env: {}, stdin: false })
  // A watch that cannot be started is no reason to fail: the end of the messages tells an idle process as well.
  watch.on('error', () => undefined)
  watch.unref()
}
