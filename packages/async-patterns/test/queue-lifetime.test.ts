import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'

// A7, A8
describe('the life of the process', () => {
  const file = fileURLToPath(new URL('fixtures/queue-lifetime.mjs', import.meta.url))
  const run = (which: string) => execFileSync(process.execPath, [file, which], { encoding: 'utf8', timeout: 20_000 })

  test.each([
    ['get', '"item"\n'],
    ['getMany', '["item"]\n'],
    ['for await', '{"done":true}\n'],
    ['put', 'done\n'],
    ['join', 'done\n'],
    ['mutex', 'true\n'],
    ['system', '1\n1\n'],
  ])('a pending wait keeps it alive: %s', (which, output) => {
    expect(run(which)).toBe(output)
  })

  test('a queue, a mutex and a system for which nobody waits do not', () => {
    const began = performance.now()
    expect(run('idle')).toBe('[0,true]\n')
    expect(performance.now() - began).toBeLessThan(20_000)
  })
})
