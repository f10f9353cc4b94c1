import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'

test('the package imports nothing but its own files, so that it runs wherever JavaScript does', () => {
  const built = new URL('../build/', import.meta.url)
  const files = readdirSync(built).filter((name) => name.endsWith('.js'))
  const imports = files.flatMap((name) => [
    ...readFileSync(new URL(name, built), 'utf8').matchAll(/(?:from|import\()\s*['"]([^'"]+)['"]/g),
  ])
  expect(files).toContain('index.js')
  expect(imports.length).toBeGreaterThan(20)
  expect(imports.map((match) => match[1]).filter((path) => !path?.startsWith('./'))).toEqual([])
})
