import { parseArguments, UsageError, usage } from './arguments.js'
import type { Row } from './report.js'
import { suites } from './suites/index.js'
import { toTable } from './table.js'

/** Runs the suites that were asked for and prints their rows: a table, or nothing but one JSON array. */
async function main(): Promise<number> {
  const options = parseArguments(process.argv.slice(2), Object.keys(suites))
  if (options.help) {
    process.stdout.write(usage(Object.keys(suites)))
    return 0
  }
  const page = options.page ? await (await import('./page/write-page.js')).openPage() : undefined
  const rows: Row[] = []
  for (const name of options.suites) {
    if (!options.json) process.stderr.write(`suite ${name}: ${options.rounds} rounds …\n`)
    rows.push(...((await suites[name]?.(options)) ?? []))
  }
  if (page) process.stderr.write(`written: ${page.write(rows, options.rounds)}\n`)
  process.stdout.write(options.json ? `${JSON.stringify(rows, null, 2)}\n` : toTable(rows))
  return rows.some((row) => 'failed' in row) ? 1 : 0
}

try {
  process.exitCode = await main()
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 2
  } else throw error
}
