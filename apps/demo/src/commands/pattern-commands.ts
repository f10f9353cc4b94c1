import type { Command, CommandContext } from '../cli/command.js'
import { DONE, FAILED, UsageError } from '../cli/exit-codes.js'
import type { Pattern } from '../patterns/pattern.js'
import { type PatternLimits, type PatternRow, runPattern } from '../patterns/run-pattern.js'
import { printable, printableJson } from '../printable.js'
import { describeRow, isFailure, listText, tableOf, titleOf } from './pattern-report.js'

// Loaded when asked for: the patterns need every package of the family, and the other commands few.
export const { listCommand, runCommand, allCommand } = patternCommands(
  async () => (await import('../patterns/catalogue.js')).patterns,
)

/** The commands for the patterns of a catalogue. */
export function patternCommands(
  load: () => Promise<readonly Pattern[]>,
  limits?: PatternLimits,
): Record<'listCommand' | 'runCommand' | 'allCommand', Command> {
  const options = [{ name: 'json', help: 'print one JSON array and nothing else on the standard output' }]
  return {
    listCommand: {
      name: 'list',
      summary: 'names every pattern of the document that can be run',
      options,
      async run(words, values, context) {
        refuse(words)
        const catalogue = await load()
        const rows = catalogue.map(({ name, title, kind, packages, mends }) => ({ name, title, kind, packages, mends }))
        context.print(values.has('json') ? `${printableJson(rows)}\n` : listText(catalogue))
        return DONE
      },
    },
    runCommand: {
      name: 'run',
      summary: 'runs the patterns that are named, with real threads and processes, and checks what each came to',
      options,
      async run(words, values, context) {
        if (words.length === 0)
          throw new UsageError('run needs the name of a pattern, such as "run barrier": see "list"')
        const catalogue = await load()
        const chosen = words.map((word) => find(catalogue, word))
        return await runAll(chosen, values.has('json'), context, limits)
      },
    },
    allCommand: {
      name: 'all',
      summary: 'runs every pattern of the document and ends with a table',
      options,
      async run(words, values, context) {
        refuse(words)
        return await runAll(await load(), values.has('json'), context, limits)
      },
    },
  }
}

async function runAll(
  chosen: readonly Pattern[],
  json: boolean,
  context: CommandContext,
  limits: PatternLimits | undefined,
): Promise<number> {
  const print = (text: string): void => context.print(text)
  const rows: PatternRow[] = []
  for (const pattern of chosen) {
    if (json) context.screen.line(`running ${pattern.name}`)
    else print(titleOf(pattern))
    const row = await runPattern(pattern, json ? () => {} : (line) => print(`  ${line}\n`), context.signal, limits)
    if (!json) print(describeRow(row))
    rows.push(row)
  }
  if (json) print(`${printableJson(rows)}\n`)
  else if (rows.length > 1) print(tableOf(rows))
  if (rows.some(({ ended }) => !ended)) exitWhenPrinted()
  return rows.some(isFailure) ? FAILED : DONE
}

/** What hangs may hold threads and timers for ever: the process ends without waiting for them, once the output is out. */
function exitWhenPrinted(): void {
  process.stdout.write('', () => setTimeout(() => process.exit(FAILED), 0))
}

/** Names, titles and aliases count, in any spelling: `ThreadPoolManager`, `thread_pool_manager`. */
function find(catalogue: readonly Pattern[], word: string): Pattern {
  const wanted = bare(word)
  const found = catalogue.find(({ name, title, aliases = [] }) =>
    [name, title, ...aliases].some((each) => bare(each) === wanted),
  )
  if (found) return found
  const near = catalogue.filter(({ name }) => wanted !== '' && bare(name).includes(wanted))
  const hint = near.length > 0 ? `perhaps ${near.map(({ name }) => name).join(' or ')}` : '"list" names them all'
  throw new UsageError(`there is no pattern "${printable(word)}": ${hint}`)
}

const bare = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '')

function refuse(words: readonly string[]): void {
  if (words[0] !== undefined)
    throw new UsageError(`"${printable(words[0])}" is one word too many: to run one pattern write "run NAME"`)
}
