import { timeOf } from '../pool/children.js'
import { timedByPython } from '../python.js'

const head = `
import os, sys, time
from multiprocessing import get_context

fork = get_context('fork')
calls = int(sys.argv[1])
`

/** Each process tells what it used and when; the clock is one for all of them. */
const locked = `
def count(value, share, barrier, times):
    lock = value.get_lock()
    barrier.wait()
    wall = time.perf_counter()
    cpu = time.process_time()
    for _ in range(share):
        with lock:
            value.value += 1
    times.send((time.process_time() - cpu, wall, time.perf_counter()))

value = fork.Value('i', 0)
barrier = fork.Barrier(2)
pipes = [fork.Pipe(False) for _ in range(2)]
shares = [calls // 2, calls - calls // 2]
workers = [fork.Process(target=count, args=(value, share, barrier, ours)) for share, (_, ours) in zip(shares, pipes)]
for worker in workers:
    worker.start()
times = [theirs.recv() for theirs, _ in pipes]
for worker in workers:
    worker.join()
assert value.value == calls
print(sum(cpu for cpu, _, _ in times), max(end for _, _, end in times) - min(begin for _, begin, _ in times))
`

/** The time of the manager's process counts as well. */
const managed = (statement: string) => `
def spent(pid):
    nanoseconds = 0
    for thread in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{thread}/schedstat') as file:
            nanoseconds += int(file.read().split()[0])
    return nanoseconds / 1e9 + time.process_time()

keys = [f'key-{n}' for n in range(1000)]
values = [n if n % 2 == 0 else f'value-{n}' for n in range(1000)]

def batch(d, calls):
    for n in range(calls):
        n = n % 1000
        ${statement}

with fork.Manager() as manager:
    pid = manager._process.pid
    d = manager.dict(zip(keys, values))
    batch(d, calls // 10)
    cpu = spent(pid)
    wall = time.perf_counter()
    batch(d, calls)
    wall = time.perf_counter() - wall
    print(spent(pid) - cpu, wall)
    assert d['key-1'] == 'value-1' and len(d) == 1000
`

/** A number that two processes count up, each time under its lock. */
export const lockedValue = () => timedByPython(head + locked)

/** The dict of a manager, which lives in a process of its own. */
export function managedDict(how: 'get' | 'set') {
  // Python reads what the manager used where we read it: Absent says so where that cannot be read.
  timeOf([process.pid])
  return timedByPython(head + managed(how === 'get' ? 'd[keys[n]]' : 'd[keys[n]] = values[n]'))
}
