import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import ts from 'typescript'
import { sectionsOf } from './support/markdown.js'

const root = new URL('../../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const recipes = new URL('../recipes/', import.meta.url)
const filesOf = (folder: string) => readdirSync(new URL(folder, recipes)).filter((name) => name.endsWith('.ts'))

const pages = [
  { page: 'docs/recipes.md', folder: './' },
  { page: 'docs/from-python.md', folder: 'from-python/' },
]

/** The programs of a page: of each, the files as they are quoted, the first of which is run, and what it promises to print. */
function programsOf(page: string) {
  return sectionsOf(read(page)).flatMap(({ title, fences }) => {
    const files = fences.flatMap(({ language, text }) => {
      const [, name, source] = /^\/\/ (\S+\.ts)\n([\s\S]*)$/.exec(text) ?? []
      return language === 'ts' && name !== undefined && source !== undefined ? [{ name, source }] : []
    })
    const printed = fences.find(({ language }) => language === 'text')?.text
    return files.length === 0 ? [] : [{ title, files, printed }]
  })
}

// Inside the app, so that the programs find the packages.
const dir = mkdtempSync(fileURLToPath(new URL('../.example-', import.meta.url)))

beforeAll(() => {
  for (const { folder } of pages) {
    mkdirSync(`${dir}/${folder}`, { recursive: true })
    for (const fileName of filesOf(folder)) {
      const { outputText } = ts.transpileModule(readFileSync(new URL(folder + fileName, recipes), 'utf8'), {
        fileName,
        compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
      })
      writeFileSync(`${dir}/${folder}${fileName.replace(/\.ts$/, '.js')}`, outputText)
    }
  }
})

afterAll(() => rmSync(dir, { recursive: true, force: true }))

describe.each(pages)('$page', ({ page, folder }) => {
  const programs = programsOf(page)

  test('quotes every file of its programs to the letter, each once, and no other', () => {
    const quoted = programs.flatMap(({ files }) => files.map(({ name, source }) => ({ name, source })))
    const files = filesOf(folder).map((name) => ({
      name,
      source: readFileSync(new URL(folder + name, recipes), 'utf8'),
    }))
    const byName = (one: { name: string }, other: { name: string }) => (one.name < other.name ? -1 : 1)
    expect(quoted.toSorted(byName)).toEqual(files.toSorted(byName))
  })

  test.each(programs)('$title: it ends by itself, and prints what is promised', async ({ files, printed }) => {
    const program = (files[0] as { name: string }).name.replace(/\.ts$/, '.js')
    expect(await run(`${dir}/${folder}${program}`)).toEqual({ ended: 0, stdout: printed, stderr: '' })
  })
})

/** Runs a program of this Node; it and all that it has started are killed if it takes 20 s. */
async function run(file: string) {
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const printed = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      printed[name] += text
    })
  const timer = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, 'SIGKILL'), 20_000)
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  clearTimeout(timer)
  return { ...printed, ended: code ?? signal }
}
