import { timedByPython } from '../python.js'
import { timeOf } from './children.js'

const head = `
import os, sys, time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

def add_one(n):
    return n + 1

def spent(pids):
    nanoseconds = 0
    for pid in pids:
        for thread in os.listdir(f'/proc/{pid}/task'):
            with open(f'/proc/{pid}/task/{thread}/schedstat') as file:
                nanoseconds += int(file.read().split()[0])
    return nanoseconds / 1e9 + time.process_time()

def measure(run, pids):
    calls = int(sys.argv[1])
    items = list(range(calls))
    run(items[:max(2, calls // 10)])
    cpu = spent(pids())
    wall = time.perf_counter()
    results = run(items)
    wall = time.perf_counter() - wall
    print(spent(pids()) - cpu, wall)
    assert results[0] == 1 and results[-1] == calls and len(results) == calls

fork = get_context('fork')
`

const multiprocessing = `
with fork.Pool(2) as pool:
    measure(lambda items: pool.map(add_one, items), lambda: [worker.pid for worker in pool._pool])
`

const processes = `
with ProcessPoolExecutor(2, mp_context=fork) as executor:
    measure(lambda items: list(executor.map(add_one, items, chunksize=5000)), lambda: list(executor._processes))
`

const threads = `
with ThreadPoolExecutor(2) as executor:
    measure(lambda items: list(executor.map(add_one, items)), lambda: [])
`

/** `multiprocessing.Pool.map` with the chunks that it chooses. */
export const poolMap = () => withProcesses(multiprocessing)

/** `ProcessPoolExecutor.map` with chunks of 5,000. */
export const processExecutorMap = () => withProcesses(processes)

/** `ThreadPoolExecutor.map`, which has no chunks. */
export const threadExecutorMap = () => timedByPython(head + threads)

function withProcesses(script: string) {
  // Python reads what its workers used where we read it: Absent says so where that cannot be read.
  timeOf([process.pid])
  return timedByPython(head + script)
}
