import type { Command } from '../cli/command.js'
import { UsageError } from '../cli/exit-codes.js'
import { codeOf } from '../index-job/notes.js'
import { printable } from '../printable.js'

/** Shows threads and processes at work, in a browser. */
export const serveCommand: Command = {
  name: 'serve',
  summary: 'shows threads, processes and their locks at work on a page in your browser, until Ctrl-C',
  options: [{ name: 'port', value: 'N', help: 'where it listens on this machine (default: a free port)' }],
  async run(words, values, context) {
    const { screen, signal } = context
    if (words[0] !== undefined)
      throw new UsageError(`serve takes options alone, and not "${printable(words[0])}": --help lists them`)
    const port = values.wholeNumber('port', 1, 65_535, 0)
    signal.throwIfAborted()
    // Only now: all other commands begin without it.
    const { startServer } = await import('../serve/server.js')
    const server = await startServer({ port }).catch((error: unknown) => {
      if (codeOf(error) === 'EADDRINUSE')
        throw new UsageError(`port ${port} is in use: give another one with --port N, or none`)
      if (codeOf(error) === 'EACCES')
        throw new UsageError(`port ${port} is not for everybody: give one above 1023 with --port N, or none`)
      throw error
    })
    const end = whenEnded(signal)
    try {
      context.print(`${server.url}\n`)
      screen.line('open this address in a browser on this machine; Ctrl-C ends it')
      await end
    } finally {
      await server.close()
    }
    throw signal.reason
  },
}

/** Resolves when the user wants it to end. */
async function whenEnded(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
