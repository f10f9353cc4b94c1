import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

const graceMs = 5_000

/**
 * Leaves the counts and the failures for the closing lines of `npm test`, and turns a leaked thread, child or port into a
 * failure instead of a hang.
 */
export default class CountReporter {
  constructor(globalConfig) {
    this.root = globalConfig.rootDir
    this.dir = join(this.root, '.results')
    this.watching = globalConfig.watch || globalConfig.watchAll
  }

  onRunComplete(_contexts, results) {
    const counts = {
      passed: results.numPassedTests,
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.numPendingTests + results.numTodoTests,
      ms: Date.now() - results.startTime,
      failures: results.testResults.flatMap((file) => failuresOf(file, this.root)),
    }
    const save = () => writeFileSync(join(this.dir, 'jest.json'), `${JSON.stringify(counts)}\n`)
    mkdirSync(this.dir, { recursive: true })
    save()
    if (this.watching) return
    setTimeout(() => {
      const open = process.getActiveResourcesInfo().join(', ')
      const reason = `left open ${graceMs} ms after the tests: ${open} (see jest --detectOpenHandles)`
      counts.failed += 1
      counts.failures.push(reason)
      save()
      console.error(reason)
      process.exit(1)
    }, graceMs).unref()
  }
}

/** A line for each failure: the file, the test's name, and how its message begins. */
function failuresOf({ testFilePath, testExecError, testResults }, root) {
  const file = relative(root, testFilePath)
  const failed = testResults.filter(({ status }) => status === 'failed')
  const lines = failed.map(({ fullName, failureMessages }) => `${file}: ${fullName}: ${brief(failureMessages[0])}`)
  return testExecError ? [...lines, `${file}: ${brief(testExecError.message ?? String(testExecError))}`] : lines
}

/** What comes before the stack, in one line. */
function brief(message = '') {
  const [text] = stripVTControlCharacters(message).split(/\n\s+at /)
  return text.replace(/\s+/g, ' ').trim().slice(0, 400)
}
