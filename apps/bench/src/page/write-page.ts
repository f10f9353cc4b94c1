import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { GateRow, Row } from '../report.js'
import { drawChart } from './chart.js'
import { describeMachine } from './machine.js'
import { chartName, writePage } from './page.js'

const root = fileURLToPath(new URL('../../../../', import.meta.url))

/** Writes the page, a chart for each suite, and the rows as they came. @returns where the page is */
export async function writePageFiles(rows: readonly Row[], rounds: number): Promise<string> {
  const docs = join(root, 'docs')
  const charts = join(docs, 'benchmarks')
  mkdirSync(charts, { recursive: true })
  for (const name of readdirSync(charts)) rmSync(join(charts, name))
  const suites = new Set(rows.map(({ suite }) => suite))
  for (const suite of suites) {
    const gates = rows.filter((row): row is GateRow => row.suite === suite && 'gate' in row)
    writeFileSync(join(docs, chartName(suite)), drawChart(`suite ${suite}`, gates))
  }
  writeFileSync(join(charts, 'rows.json'), `${JSON.stringify(rows, null, 2)}\n`)
  const page = join(docs, 'benchmarks.md')
  writeFileSync(page, writePage(rows, await describeMachine(root), rounds))
  return page
}
