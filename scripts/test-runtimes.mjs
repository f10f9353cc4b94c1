// test-runtimes.mjs [chromium] [deno] [bun]: the portable cases of all packages under other runtimes than Node; all three
// when none is named.
//
// Deno, Bun and what drives Chromium come from npm into `.tools/runtimes` and stay there; Chromium itself has to be
// installed. A runtime that cannot be had counts as failed. Exit code 0 only if every case that can run has passed.

import { exitCodeOf, run, stopRequested } from './lib/processes.mjs'
import { openChromium } from './lib/runtimes/chromium.mjs'
import { listPortable } from './lib/runtimes/portable.mjs'
import { openProgram } from './lib/runtimes/programs.mjs'
import { setUp } from './lib/set-up.mjs'

const runtimes = {
  chromium: openChromium,
  deno: (signal) => openProgram('deno', signal),
  bun: (signal) => openProgram('bun', signal),
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !Object.hasOwn(runtimes, name))
if (unknown.length > 0) {
  console.error(`no such runtime: ${unknown.join(', ')}\nusage: npm run test:runtimes -- [chromium] [deno] [bun]`)
  process.exit(2)
}

await setUp()
const packages = listPortable()
const filters = packages.map(({ name }) => `--filter=${name}...`)
const built = await run('turbo', ['run', 'build', ...filters, '--output-logs=errors-only'], { quietly: true })
if (built !== 0) process.exit(built)

const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => stop.abort(name))
const { signal } = stop

let allPassed = true
try {
  for (const name of asked.length > 0 ? new Set(asked) : Object.keys(runtimes))
    if (!(await test(name))) allPassed = false
  process.exitCode = allPassed ? 0 : 1
} catch (error) {
  if (!signal.aborted && stopRequested() === undefined) throw error
  process.exitCode = stopRequested() ?? exitCodeOf(signal.reason)
}

/** Prints a line for each case that failed, and the total. */
async function test(name) {
  const counts = { passed: 0, failed: 0 }
  let title = name
  try {
    const runtime = await runtimes[name](signal)
    title = `${name} ${runtime.version}`
    try {
      for (const each of packages) count(name, each.name, await runtime.runPackage(each), counts)
    } finally {
      await runtime.close()
    }
  } catch (error) {
    signal.throwIfAborted()
    if (stopRequested() !== undefined) throw error
    counts.failed += 1
    console.log(`FAIL  ${name}: it cannot be tested\n      ${indent(error.message)}`)
  }
  const { passed, failed } = counts
  console.log(`${title}: ${passed} passed, ${failed} failed`)
  return failed === 0 && passed > 0
}

function count(runtime, packageName, rows, counts) {
  for (const { name, failure, number = 1 } of rows) {
    if (failure === undefined) counts.passed += 1
    else {
      counts.failed += number
      console.log(`FAIL  ${runtime}, ${packageName}: ${name}\n      ${indent(failure)}`)
    }
  }
}

function indent(text) {
  return text.trimEnd().replaceAll('\n', '\n      ')
}
