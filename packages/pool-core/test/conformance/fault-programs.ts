import { expect, test } from '@jest/globals'
import { runProgram } from '../support/run-program.js'
import type { Kit } from './kit.js'

/** Faults that a worker prints something of, so that they are looked at from outside. */
export function faultPrograms({ url, boundary, what }: Kit): void {
  const run = (scenario: string) => runProgram(new URL('./fault-program.mjs', import.meta.url), url, scenario)

  test.each([
    ['an error that a timer throws', 'timer', 'throwInTimer', 'E_TIMER'],
    ['a rejection that nobody handles', 'unheard', 'rejectUnheard', 'E_UNHEARD'],
  ])(
    '%s while a task is pending rejects the task; its cause is the error with its code',
    async (_, scenario, name, cause) => {
      const { code, lines } = await run(scenario)
      expect([code, lines.length]).toEqual([0, 3])
      expect(JSON.parse(lines[0] as string)).toEqual({ code: 'ERR_WORKER_CRASHED', began: true, cause })
      expect(lines[1]).toBe(`the ${what} that ran task ${name} ended with exit code 1`)
      expect(lines[2]).toBe('3')
    },
  )

  test('a rejection that a task has left behind costs the task that runs then, and is the cause', async () => {
    const { code, lines } = await run('left')
    expect({ code, lines }).toEqual({ code: 0, lines: ['{"code":"ERR_WORKER_CRASHED","cause":"E_LEFT"}', '3'] })
  })

  test('a task over its limit of memory rejects, and the message says the limit; the pool goes on', async () => {
    const { code, lines } = await run('memory')
    expect([code, lines[2]]).toEqual([0, '3'])
    expect(JSON.parse(lines[0] as string)).toMatchObject({ code: 'ERR_WORKER_CRASHED', began: true })
    expect(lines[1]).toMatch(/memory.*\(maxOldGenerationSizeMb: 24\)/)
  })

  test('a worker that prints 10 MB on stderr does not get stuck, and all of it comes through', async () => {
    const { code, lines, stderr } = await run('flood')
    expect([code, lines]).toEqual([0, ['flooded', '3']])
    expect(stderr.length).toBe(10 * 2 ** 20)
  })

  test('what a task prints is printed by the program, each to its own stream', async () => {
    expect(await run('say')).toEqual({ code: 0, lines: ['out: hello'], stderr: 'err: hello\n' })
  })

  test('a worker that cannot start fails the pool soon, with the reason', async () => {
    const { code, lines, stderr } = await run('noStart')
    expect([code, lines.length, lines[2], lines[5]]).toEqual([0, 6, 'fast', 'fast'])
    // Of what a process dies of before it has a lane, only the exit code is known; it prints the rest.
    const [before, inEntry] = [lines[0], lines[3]].map((line) => JSON.parse(line as string))
    expect([before.code, inEntry.code]).toEqual(['ERR_WORKER_CRASHED', 'ERR_WORKER_CRASHED'])
    expect(`${before.cause} ${boundary === 'process' && stderr}`).toContain('no start')
    expect(`${inEntry.cause} ${boundary === 'process' && stderr}`).toContain('no entry')
    expect(lines[1]).toContain(`has no worker: a ${what} `)
    expect(lines[1]).toContain('before it was ready, 3 times in a row')
    expect(lines[4]).toContain('before it was ready, 3 times in a row')
  })

  test('an option of Node that does not exist fails the pool with the reason', async () => {
    const { code, lines } = await run('noOption')
    expect([code, lines.length]).toEqual([0, 1])
    expect(lines[0]).toContain(boundary === 'thread' ? '--no-such-option' : 'ended with exit code 9')
  })

  test('what onProgress throws is an uncaught exception of the program, and the task settles', async () => {
    const { code, lines } = await run('onProgress')
    expect({ code, lines }).toEqual({ code: 0, lines: ['uncaught refused 0', 'uncaught refused 1', 'told', '3'] })
  })
}
