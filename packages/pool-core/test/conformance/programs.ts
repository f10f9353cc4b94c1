import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import type { Kit } from './kit.js'

interface Ended {
  readonly code: number | string | null
  readonly lines: string[]
  readonly stderr: string
}

/** Runs one scenario of `program.mjs` in a Node of its own. */
function program(kitUrl: string, scenario: string): Promise<Ended> {
  return node(fileURLToPath(new URL('./program.mjs', import.meta.url)), kitUrl, scenario)
}

function node(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { timeout: 20_000 }, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? error.signal ?? null) : 0, lines: stdout.trim().split('\n'), stderr })
    })
  })
}

export function programs({ url }: Kit): void {
  test.each([
    [
      'an idle pool lets the program end, a task that runs does not, and a failure that nobody took is no unhandled rejection',
      'notClosed',
      ['ERR_WORKER_CRASHED', 'ERR_TIMEOUT', '3'],
    ],
    [
      'drain and terminate end all, also where the program awaits nothing else, and leave nothing',
      'ending',
      ['drained', 'terminated'],
    ],
  ])('%s', async (_, scenario, lines) => {
    expect(await program(url, scenario)).toEqual({ lines, code: 0, stderr: '' })
  })

  test('what a task left behind and throws later costs the task that runs then, or none, and never the program', async () => {
    // A worker process prints on stderr what it dies of.
    expect(await program(url, 'background')).toMatchObject({
      lines: ['while idle: at most one', 'while busy: ERR_WORKER_CRASHED', 'behind it: 3', 'while ending: nothing'],
      code: 0,
    })
  })

  test('of tasks that are done neither arguments nor results are held, here or in the worker', async () => {
    const script = fileURLToPath(new URL('./collecting.mjs', import.meta.url))
    expect(await node('--expose-gc', script, url)).toEqual({
      lines: ['watched here: 35', 'left here: 0', 'left there: 0'],
      code: 0,
      stderr: '',
    })
  })
}
