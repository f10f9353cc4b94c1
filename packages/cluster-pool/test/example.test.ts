import { execFileSync } from 'node:child_process'
import { expect, test } from '@jest/globals'

test('the example runs and prints what the README promises', () => {
  const printed = execFileSync(process.execPath, ['../../scripts/run-example.mjs', '.'], { encoding: 'utf8' })
  expect(printed).not.toBe('')
})
