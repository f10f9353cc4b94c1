import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import ts from 'typescript'
import { capture } from './capture.mjs'

/** The example of a package: the files of its `examples/` folder, of which `main.ts` is the one to run. */
export function readExample(packageDir) {
  const dir = join(packageDir, 'examples')
  return readdirSync(dir)
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => ({ name, source: readFileSync(join(dir, name), 'utf8') }))
}

/**
 * What the README promises that the example prints: its first `text` fence.
 * Throws if the README does not quote every file of the example to the letter.
 */
export function promisedOutput(packageDir) {
  const readme = readFileSync(join(packageDir, 'README.md'), 'utf8')
  for (const { name, source } of readExample(packageDir))
    if (!readme.includes(`\`\`\`ts\n// ${name}\n${source.trim()}\n\`\`\``))
      throw new Error(`the README of ${basename(packageDir)} does not quote examples/${name} as it is`)
  const output = /```text\n([\s\S]*?)```/.exec(readme)?.[1]
  if (output === undefined)
    throw new Error(`the README of ${basename(packageDir)} does not say what its example prints`)
  return output
}

/** Writes the example as JavaScript into `dir`, types stripped and nothing else changed but `using`. */
export function writeAsJavaScript(packageDir, dir) {
  mkdirSync(dir, { recursive: true })
  for (const { name, source } of readExample(packageDir)) {
    const { outputText } = ts.transpileModule(source, {
      fileName: name,
      compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
    })
    writeFileSync(join(dir, name.replace(/\.ts$/, '.js')), outputText)
  }
}

/**
 * Runs a file under this Node and resolves with what it printed; rejects if it fails, prints to stderr or takes a minute.
 * With `signal` it is killed, and all that it started, when the signal aborts.
 */
export async function runFile(file, cwd, { signal } = {}) {
  const { ending, stdout, stderr } = await capture(process.execPath, [file], { cwd, signal })
  if (ending === 0 && stderr === '') return stdout
  throw new Error(`${basename(file)} ended with ${ending}\n${stdout}${stderr}`)
}

/** Throws unless a README's example printed what the README promises. */
export function expectSame(printed, promised) {
  if (printed !== promised) throw new Error(`the README promises\n${promised}but the example prints\n${printed}`)
}
