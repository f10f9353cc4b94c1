import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'

const root = new URL('../../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')

const table = [...read('docs/errors.md').matchAll(/^\| `(ERR_[A-Z_]+)` \| `(\w+)` \|/gm)].map(
  ([, code, name]) => `${name} ${code}`,
)

const codesInTable = (name: string | undefined) =>
  table.filter((pair) => pair.startsWith(`${name} `)).map((pair) => pair.split(' ')[1] as string)

/** `class · code` for each error that a package's errors.ts can make. */
function errorsOf(folder: string): string[] {
  const source = read(`packages/${folder}/src/errors.ts`)
  const pairs: string[] = []
  for (const [, name, parent, body] of source.matchAll(/class (\w+) extends (\w+)[^{]*\{([\s\S]*?)\n\}/g)) {
    // A class without a code of its own has its parent's, which may be another package's.
    const codes = body?.match(/ERR_[A-Z_]+/g) ?? codesInTable(parent)
    for (const code of new Set(codes)) pairs.push(`${name} ${code}`)
  }
  for (const [, name, code] of source.matchAll(/new (Error|TypeError|RangeError)\([^)]*\), \{ code: '(ERR_[A-Z_]+)'/g))
    pairs.push(`${name} ${code}`)
  return pairs
}

const packages = readdirSync(new URL('packages/', root))
  .filter((folder) => existsSync(new URL(`packages/${folder}/src/errors.ts`, root)))
  .map((folder) => ({ folder, errors: errorsOf(folder) }))

describe('docs/errors.md', () => {
  test.each(packages)('names every error of $folder with its class and code', ({ errors }) => {
    expect(errors.filter((pair) => !table.includes(pair))).toEqual([])
  })

  test('names no error that no package has', () => {
    const known = new Set(packages.flatMap(({ errors }) => errors))
    expect(table.filter((pair) => !known.has(pair))).toEqual([])
  })

  test('is read from at least the packages that are known to have errors', () => {
    expect(packages.map(({ folder }) => folder)).toEqual(
      expect.arrayContaining([
        'async-patterns',
        'codec',
        'ipc-channels',
        'pool-core',
        'shared-memory',
        'sync-primitives',
      ]),
    )
  })
})
