import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'

function run(name: string): string {
  const file = fileURLToPath(new URL('fixtures/manager-lifetime.mjs', import.meta.url))
  return execFileSync(process.execPath, ['--expose-gc', file, name], { encoding: 'utf8', timeout: 20_000 })
}

// A7, A8
describe('the process', () => {
  test.each([
    ['running', 'ended\n'],
    ['queued', 'queued\n'],
    ['paused', 'resumed\n'],
    ['a map that is asked', "[ 'ended' ]\n"],
    ['an input that is waited for', "[ 'ended' ]\n"],
    ['a wait for a result', 'ended\n'],
  ])('is kept alive by what is pending: %s', (name, output) => {
    expect(run(name)).toBe(output)
  })

  test('ends by itself when all is done, whatever limits there were', () => {
    expect(run('idle')).toBe('true async_task_0\n')
  })

  // A25
  test('is told of a subscriber that throws, and the manager goes on', () => {
    const events = ['started', 'started', 'succeeded', 'succeeded']
    const lines = run('a throwing subscriber').trimEnd().split('\n')
    expect(lines.filter((line) => line.startsWith('uncaught')).sort()).toEqual(events.map((e) => `uncaught: on ${e}`))
    expect(lines).toContain('[ 1, 2 ] 2')
  })
})

test('maps that nobody asks are kept by nobody, though their manager and signal live on', () => {
  expect(run('maps that nobody asks')).toBe('0 false false\n')
})
