import { timedByPython } from '../python.js'

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
export const taskBacklog = () => timedByPython(head + backlog + tail)

/** One producer and one consumer on a queue of 1,000. */
export const asyncioQueue = () => timedByPython(head + queue + tail)
