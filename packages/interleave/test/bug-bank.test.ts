import { describe, expect, test } from '@jest/globals'
import { bugBank, runBugBank } from './bug-bank/run.ts'

describe('the bug bank', () => {
  const rows = runBugBank()

  test('holds at least thirty defects, each under a name of its own', () => {
    expect(bugBank.length).toBeGreaterThanOrEqual(30)
    expect(new Set(bugBank.map(({ name }) => name)).size).toBe(bugBank.length)
    expect(rows).toHaveLength(bugBank.length)
  })

  test.each(rows)('$name: found, and the same without it is complete', ({ found, kind, correctVerdict, name }) => {
    expect({ found, kind, correctVerdict }).toEqual({
      found: true,
      kind: bugBank.find((bug) => bug.name === name)?.kind,
      correctVerdict: 'complete',
    })
  })

  test('schedules are short enough to be read', () => {
    for (const { name, steps } of rows) expect({ name, isShort: steps <= 45 }).toEqual({ name, isShort: true })
  })
})
