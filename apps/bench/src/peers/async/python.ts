import { spawnSync } from 'node:child_process'
import { Absent } from '../../arena.js'
import type { Cost } from '../../report.js'

const tail = `
async def main():
    calls = int(sys.argv[1])
    await batch(max(1, calls // 10))
    cpu = time.process_time()
    wall = time.perf_counter()
    await batch(calls)
    print(time.process_time() - cpu, time.perf_counter() - wall)

asyncio.run(main())
`

const head = 'import asyncio, sys, time\n'

const backlog = `
async def add_one(semaphore, item):
    async with semaphore:
        return item + 1

async def batch(calls):
    semaphore = asyncio.Semaphore(10)
    await asyncio.gather(*[asyncio.create_task(add_one(semaphore, n)) for n in range(calls)])
`

const queue = `
async def batch(calls):
    queue = asyncio.Queue(1000)
    async def produce():
        for n in range(calls):
            await queue.put(n)
    async def consume():
        for _ in range(calls):
            await queue.get()
    await asyncio.gather(produce(), consume())
`

/** All tasks created at once, ten of them at a time under a semaphore. */
export const taskBacklog = () => measured(backlog)

/** One producer and one consumer on a queue of 1,000. */
export const asyncioQueue = () => measured(queue)

/** Each batch is one run of Python, which looks at its own clocks: that it starts and ends costs nothing. */
function measured(script: string) {
  const version = /^Python (\S+)/.exec(python('--version'))?.[1] ?? 'unknown'
  return {
    version,
    batch: async (calls: number): Promise<Cost> => {
      const times = python('-I', '-c', `${head}${script}${tail}`, `${calls}`)
      const [cpu = Number.NaN, wall = Number.NaN] = times.split(' ').map(Number)
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
