import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const graceMs = 5_000

/** Leaves the counts for the summary line of `npm test`, and turns a leaked thread, child or port into a failure instead of a hang. */
export default class CountReporter {
  constructor(globalConfig) {
    this.dir = join(globalConfig.rootDir, '.results')
    this.watching = globalConfig.watch || globalConfig.watchAll
  }

  onRunComplete(_contexts, results) {
    const counts = {
      passed: results.numPassedTests,
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.numPendingTests + results.numTodoTests,
      ms: Date.now() - results.startTime,
    }
    const save = () => writeFileSync(join(this.dir, 'jest.json'), `${JSON.stringify(counts)}\n`)
    mkdirSync(this.dir, { recursive: true })
    save()
    if (this.watching) return
    setTimeout(() => {
      counts.failed += 1
      save()
      const open = process.getActiveResourcesInfo().join(', ')
      console.error(`left open ${graceMs} ms after the tests: ${open} (see jest --detectOpenHandles)`)
      process.exit(1)
    }, graceMs).unref()
  }
}
