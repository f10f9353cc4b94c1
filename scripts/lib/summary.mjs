import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Adds up what every package's tests left in `.results/jest.json`, prints a row each, a line for each failure and
 * one plain closing line, and returns the exit code. A package with a test script but no result counts as one failure.
 */
export function summarize(workspaces, code, partial = false) {
  const sum = { passed: 0, failed: 0, skipped: 0 }
  const failures = []
  for (const dir of workspaces) {
    const { name, scripts = {} } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'))
    const file = join(dir, '.results', 'jest.json')
    if (!scripts.test || (partial && !existsSync(file))) continue
    const counts = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { passed: 0, failed: 1, skipped: 0 }
    const time = counts.ms === undefined ? 'no result' : `${counts.ms} ms`
    console.log(`${name}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped (${time})`)
    for (const key of Object.keys(sum)) sum[key] += counts[key]
    for (const failure of counts.failures ?? ['no result']) failures.push(`${name} ${failure}`)
  }
  if (failures.length > 0) console.log('')
  for (const failure of failures) console.log(`failed: ${failure}`)
  console.log(`\n${sum.passed} passed, ${sum.failed} failed${sum.skipped ? `, ${sum.skipped} skipped` : ''}`)
  return code || (sum.failed || !sum.passed ? 1 : 0)
}
