import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Refusal } from './refusal.js'

const require = createRequire(import.meta.url)

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.map': 'application/json',
}

/** The files of the page: a table of names that is made once. What a request says is looked up in it, and is never a path. */
export class Files {
  readonly #paths: ReadonlyMap<string, string>

  constructor() {
    const pageFolder = fileURLToPath(new URL('../../../page/static/', import.meta.url))
    const scriptFolder = fileURLToPath(new URL('../../page/', import.meta.url))
    const chartFolder = dirname(require.resolve('uplot'))
    this.#paths = new Map([
      ['', join(pageFolder, 'index.html')],
      ...namesIn(pageFolder, /^[\w-]+\.css$/).map((name) => [name, join(pageFolder, name)] as const),
      ...namesIn(scriptFolder, /^[\w-]+\.js(\.map)?$/).map(
        (name) => [`scripts/${name}`, join(scriptFolder, name)] as const,
      ),
      ['vendor/uplot.js', join(chartFolder, 'uPlot.esm.js')],
      ['vendor/uplot.css', join(chartFolder, 'uPlot.min.css')],
    ])
  }

  has(name: string): boolean {
    return this.#paths.has(name)
  }

  /** @throws Refusal: there is no such file */
  async read(name: string): Promise<{ readonly body: Buffer; readonly type: string }> {
    const path = this.#paths.get(name)
    if (path === undefined) throw new Refusal(404, 'there is nothing here')
    return { body: await readFile(path), type: types[extname(path)] ?? 'application/octet-stream' }
  }
}

function namesIn(folder: string, pattern: RegExp): string[] {
  return readdirSync(folder).filter((name) => pattern.test(name))
}
