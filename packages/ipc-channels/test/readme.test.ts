import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'

const packageDir = fileURLToPath(new URL('..', import.meta.url))

test('the two programs of the README find each other, and print what it promises', () => {
  const readme = readFileSync(join(packageDir, 'README.md'), 'utf8')
  const programs = [...readme.matchAll(/```js\n\/\/ (\w+\.mjs)\n([\s\S]*?)```/g)]
  expect(programs.map(([, name]) => name)).toEqual(['office.mjs', 'clerk.mjs'])
  const promised = /```txt\n([\s\S]*?)```/.exec(readme)?.[1]
  const dir = mkdtempSync(join(packageDir, '.example-'))
  try {
    for (const [, name, source] of programs) writeFileSync(join(dir, name as string), source as string)
    expect(execFileSync(process.execPath, [join(dir, 'office.mjs')], { encoding: 'utf8' })).toBe(promised)
  } finally {
    rmSync(dir, { recursive: true })
  }
})
