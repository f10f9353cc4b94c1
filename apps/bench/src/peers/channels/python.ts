import { timedByPython } from '../python.js'

/** Messages are checked as ours are. Bytes are made beforehand, as ours are; a dict is a new one each time, as our objects are. */
const messages = {
  bytes: `
made = [bytes([n] * 63 + [~n & 255]) for n in range(256)]

def make(n):
    return made[n & 255]

def check(message, n):
    first = n & 255
    assert len(message) == 64 and message[0] == first and message[63] == ~first & 255
`,
  object: `
def make(n):
    return {'id': n, 'op': 'update', 'value': n + 0.5}

def check(message, n):
    assert message['id'] == n and message['op'] == 'update' and message['value'] == n + 0.5
`,
}

const loops = `
def put_all(queue, calls):
    for n in range(calls):
        queue.put(make(n))

def take_all(queue, calls):
    for n in range(calls):
        check(queue.get(), n)
`

/**
 * This process puts, the other one takes. The clock is one for both; the time of the thread that does the writing for this side is
 * part of what this process has used when the other side has everything.
 */
const queueOfProcesses = `
import sys, time
from multiprocessing import get_context

fork = get_context('fork')
calls = int(sys.argv[1])

def consume(queue, pipe):
    for count in (calls // 10, calls):
        pipe.send('ready')
        cpu = time.process_time()
        take_all(queue, count)
        pipe.send((time.process_time() - cpu, time.perf_counter()))

queue = fork.Queue()
pipe, theirs = fork.Pipe()
consumer = fork.Process(target=consume, args=(queue, theirs))
consumer.start()
for count in (calls // 10, calls):
    pipe.recv()
    wall = time.perf_counter()
    cpu = time.process_time()
    put_all(queue, count)
    other, end = pipe.recv()
    cpu = time.process_time() - cpu + other
consumer.join()
assert queue.empty()
print(cpu, end - wall)
`

const queueOfThreads = `
import sys, time
from queue import Queue
from threading import Thread

calls = int(sys.argv[1])
queue = Queue(256)

def consume(count):
    take_all(queue, count)

for count in (calls // 10, calls):
    wall = time.perf_counter()
    cpu = time.process_time()
    consumer = Thread(target=consume, args=(count,))
    consumer.start()
    put_all(queue, count)
    consumer.join()
    cpu = time.process_time() - cpu
    wall = time.perf_counter() - wall
assert queue.empty()
print(cpu, wall)
`

const pipe = `
import sys, time
from multiprocessing import get_context

fork = get_context('fork')
calls = int(sys.argv[1])

def answer(pipe):
    for count in (calls // 10, calls):
        cpu = time.process_time()
        for _ in range(count):
            pipe.send(pipe.recv())
        pipe.send(time.process_time() - cpu)

pipe, theirs = fork.Pipe()
peer = fork.Process(target=answer, args=(theirs,))
peer.start()
for count in (calls // 10, calls):
    wall = time.perf_counter()
    cpu = time.process_time()
    for n in range(count):
        pipe.send(n)
        assert pipe.recv() == n
    cpu = time.process_time() - cpu
    wall = time.perf_counter() - wall
    cpu += pipe.recv()
peer.join()
print(cpu, wall)
`

/** A queue between two processes. */
export const processQueue = (kind: 'bytes' | 'object') => timedByPython(messages[kind] + loops + queueOfProcesses)

/** A queue between two threads, which copies nothing. */
export const threadQueue = (kind: 'bytes' | 'object') => timedByPython(messages[kind] + loops + queueOfThreads)

/** A number there and back, between two processes. */
export const pipeRoundTrips = () => timedByPython(pipe)
