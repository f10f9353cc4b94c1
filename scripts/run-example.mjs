// run-example.mjs <package folder>: runs the package's example against the package's own build, and fails unless the
// README quotes the example and promises what it prints.
import { mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisedOutput, runFile, writeAsJavaScript } from './lib/examples.mjs'

const packageDir = resolve(process.argv[2] ?? '.')
const promised = promisedOutput(packageDir)
// Inside the package, so that the example imports it by its own name.
const dir = mkdtempSync(join(packageDir, '.example-'))
try {
  writeAsJavaScript(packageDir, dir)
  const printed = await runFile(join(dir, 'main.js'), dir)
  if (printed !== promised) throw new Error(`the README promises\n${promised}but the example prints\n${printed}`)
  process.stdout.write(printed)
} finally {
  rmSync(dir, { recursive: true, force: true })
}
