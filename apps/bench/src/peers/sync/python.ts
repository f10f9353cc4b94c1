import { timedByPython } from '../python.js'

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

/** Python's own lock. */
export const threadingLock = () => timedByPython(script)
