import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { GateRow, Row } from '../report.js'
import { drawChart } from './chart.js'
import { describeMachine } from './machine.js'
import { chartName, writePage } from './page.js'

const root = fileURLToPath(new URL('../../../../', import.meta.url))

/** To be called before anything is measured: the page names the machine and the commit as they are then. */
export async function openPage(): Promise<{ write: (rows: readonly Row[], rounds: number) => string }> {
  const machine = await describeMachine(root)
  return {
    /** Writes the page, a chart for each suite, and the rows as they came. @returns where the page is */
    write: (rows, rounds) => {
      const docs = join(root, 'docs')
      const charts = join(docs, 'benchmarks')
      rmSync(charts, { recursive: true, force: true })
      mkdirSync(charts, { recursive: true })
      for (const suite of new Set(rows.map((row) => row.suite))) {
        const gates = rows.filter((row): row is GateRow => row.suite === suite && 'gate' in row)
        writeFileSync(join(docs, chartName(suite)), drawChart(`suite ${suite}`, gates))
      }
      writeFileSync(join(charts, 'rows.json'), `${JSON.stringify(rows, null, 2)}\n`)
      const page = join(docs, 'benchmarks.md')
      writeFileSync(page, writePage(rows, machine, rounds))
      return page
    },
  }
}
