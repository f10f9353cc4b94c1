import { parseArgs } from 'node:util'

export interface BenchOptions {
  readonly suites: readonly string[]
  readonly json: boolean
  /** Whether the page `docs/benchmarks.md` is written. */
  readonly page: boolean
  readonly help: boolean
  /** How often a measurement is repeated; its median is reported. */
  readonly rounds: number
  /** Calls of each contender in one round; undefined: as many as suit the thing that is measured. */
  readonly calls: number | undefined
}

export class UsageError extends Error {}

export function usage(known: readonly string[]): string {
  return `Usage: npm run bench -- [options]

  --suite NAME    the suite to run, more than once if wished: ${known.join(', ')} (default: all)
  --json          print nothing but one JSON array of rows
  --page          write docs/benchmarks.md and its charts as well; only of all suites, whole
  --rounds N      repetitions, of which the median counts (default 11)
  --calls N       calls of each contender in a round (default: each gate's own number,
                  beyond which only lone tasks of the suite pool go)

Exit codes: 0 measured (a gate that was missed has "ok": false), 1 a measurement failed, 2 bad usage.
`
}

export function parseArguments(argv: readonly string[], known: readonly string[]): BenchOptions {
  let values: ReturnType<typeof parse>
  try {
    values = parse(argv)
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split('. ')[0]}; see --help`)
  }
  const suites = values.suite ?? known
  for (const name of suites)
    if (!known.includes(name))
      throw new UsageError(`there is no suite ${JSON.stringify(name)}; known: ${known.join(', ')}`)
  if (values.page && (values.suite || values.calls !== undefined))
    throw new UsageError('--page is of all suites and their own numbers of calls: leave --suite and --calls out')
  return {
    suites: [...new Set(suites)],
    json: values.json ?? false,
    page: values.page ?? false,
    help: values.help ?? false,
    rounds: count('--rounds', values.rounds) ?? 11,
    calls: count('--calls', values.calls),
  }
}

function parse(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    options: {
      suite: { type: 'string', multiple: true },
      json: { type: 'boolean' },
      page: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
      rounds: { type: 'string' },
      calls: { type: 'string' },
    },
  }).values
}

function count(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1)
    throw new UsageError(`${option} takes a whole number of 1 or more, not ${text}`)
  return value
}
