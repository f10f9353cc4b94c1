import { clusterCommand } from '../commands/cluster-command.js'
import { indexCommand } from '../commands/index-command.js'
import { allCommand, listCommand, runCommand } from '../commands/pattern-commands.js'
import { serveCommand } from '../commands/serve-command.js'
import { printable } from '../printable.js'
import type { Command } from './command.js'
import { BAD_USAGE, DONE, FAILED, UsageError } from './exit-codes.js'
import { commonOptions, helpText } from './help.js'
import { Interruption } from './interruption.js'
import { parseOptions } from './options.js'
import { Screen } from './screen.js'

/** The first is the one that runs when none is named. */
const commands: readonly [Command, ...Command[]] = [
  indexCommand,
  listCommand,
  runCommand,
  allCommand,
  clusterCommand,
  serveCommand,
]

/** Runs what the arguments ask for, and resolves with the exit code. Whatever goes wrong is one line on the error stream. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  const readerLeft = new AbortController()
  watchOutput(() => readerLeft.abort(new Error('nobody reads the output any more')))
  const screen = new Screen(process.stderr)
  const interruption = new Interruption()
  try {
    if (args.includes('--help') || args.includes('-h')) {
      process.stdout.write(helpText(commands))
      return DONE
    }
    const [command, rest] = choose(args)
    const [words, values] = parseOptions(rest, [...command.options, ...commonOptions])
    return await command.run(words, values, {
      screen,
      print: (text) => process.stdout.write(text),
      signal: AbortSignal.any([interruption.signal, readerLeft.signal]),
    })
  } catch (error) {
    screen.clear()
    const { exitCode, caught } = interruption
    if (exitCode === undefined && readerLeft.signal.aborted && error === readerLeft.signal.reason) return DONE
    screen.line(`demo: ${exitCode === undefined ? describeFailure(error) : `ended by ${caught}`}`)
    return exitCode ?? (error instanceof UsageError ? BAD_USAGE : FAILED)
  }
}

function choose(args: readonly string[]): [Command, readonly string[]] {
  const named = commands.find(({ name }) => name === args[0])
  return named ? [named, args.slice(1)] : [commands[0], args]
}

function describeFailure(error: unknown): string {
  if (error instanceof UsageError) return error.message
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return `something inside failed: ${printable(text)}`
}

/**
 * When whoever reads our output has left (`| head`), that is nothing to complain about, but there is no use in going on. A disk that is full is: a result that
 * is not whole must not look like success.
 */
function watchOutput(onReaderLeft: () => void): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (readerLeftCodes.has(error.code)) {
      onReaderLeft()
      return
    }
    process.stderr.write(`demo: the output could not be written: ${printable(error.message)}\n`)
    process.once('exit', () => {
      process.exitCode = FAILED
    })
  })
  // Nowhere is left to say it.
  process.stderr.on('error', () => {})
}

const readerLeftCodes = new Set<string | undefined>(['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED'])
