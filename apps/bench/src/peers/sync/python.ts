import { spawnSync } from 'node:child_process'
import { Absent } from '../../arena.js'
import type { Cost } from '../../report.js'

const script = `
import sys, threading, time

def batch(lock, calls):
    for _ in range(calls):
        with lock:
            pass

lock = threading.Lock()
calls = int(sys.argv[1])
batch(lock, calls // 10)
cpu = time.process_time()
wall = time.perf_counter()
batch(lock, calls)
print(time.process_time() - cpu, time.perf_counter() - wall)
`

/** Python's own lock. Each batch is one run of Python, which looks at its own clocks: that it starts and ends costs nothing. */
export function threadingLock() {
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
