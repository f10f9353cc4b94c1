import { spawnSync } from 'node:child_process'
import { Absent } from '../arena.js'
import type { Cost } from '../report.js'

/**
 * A contender in Python. Each batch is one run of the script, which gets the number of calls, looks at its own clocks and prints
 * the seconds of processor time and the seconds on the clock: that Python starts and ends costs nothing.
 */
export function timedByPython(script: string) {
  const version = /^Python (\S+)/.exec(python('--version'))?.[1] ?? 'unknown'
  return {
    version,
    batch: async (calls: number): Promise<Cost> => {
      const [cpu = Number.NaN, wall = Number.NaN] = python('-I', '-c', script, `${calls}`).split(' ').map(Number)
      return { cpu: cpu * 1e6, wall: wall * 1e6 }
    },
  }
}

function python(...args: string[]): string {
  const { stdout, stderr, status, error } = spawnSync('python3', args, { encoding: 'utf8' })
  if (error) throw new Absent(`python3 does not start: ${error.message}`)
  if (status !== 0) throw new Error(`python3 ended with code ${status}: ${stderr}`)
  return stdout
}
