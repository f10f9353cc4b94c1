import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'

/**
 * Imports a TypeScript file of a package's test folder: the files of its folder are written as JavaScript, types stripped and
 * nothing else changed (JavaScript as it is), beside the package's own, so that they import the package and its dependencies by name.
 */
export async function importFromTests(packageDir, folder, file) {
  const dir = mkdtempSync(join(packageDir, '.verify-'))
  try {
    const source = join(packageDir, folder)
    // As deep below the package as it was: what it imports from `build` is where it was.
    const target = join(dir, folder)
    mkdirSync(target, { recursive: true })
    for (const name of readdirSync(source).filter((each) => each.endsWith('.js')))
      copyFileSync(join(source, name), join(target, name))
    for (const name of readdirSync(source).filter((each) => each.endsWith('.ts') && !each.endsWith('.d.ts'))) {
      const { outputText } = ts.transpileModule(readFileSync(join(source, name), 'utf8'), {
        fileName: name,
        compilerOptions: {
          target: ts.ScriptTarget.ES2022,
          module: ts.ModuleKind.ESNext,
          verbatimModuleSyntax: true,
          rewriteRelativeImportExtensions: true,
        },
      })
      const build = relative(target, join(packageDir, 'build'))
      writeFileSync(join(target, name.replace(/\.ts$/, '.js')), outputText.replaceAll("'../../build/", `'${build}/`))
    }
    return await import(pathToFileURL(join(target, file)).href)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
