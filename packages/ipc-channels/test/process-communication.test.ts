import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { ProcessCommunication, ThreadSafeQueue } from '@heddle/ipc-channels'
import { Segment } from '@heddle/shared-memory'
import { Mutex } from '@heddle/sync-primitives'
import { afterEach, expect, test } from '@jest/globals'
import { own } from './support/own.js'
import { rejectionOf, thrownBy } from './support/until.js'

const open: Disposable[] = []
const children: ChildProcess[] = []
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }
  for (const each of open.splice(0)) each[Symbol.dispose]()
})

async function create(name: string): Promise<ProcessCommunication> {
  const communication = await ProcessCommunication.create({ name: own(name), size: 2 << 20 })
  open.push(communication)
  return communication
}

function start({ name }: ProcessCommunication, what: string): ChildProcess {
  const program = fileURLToPath(new URL('fixtures/communication-process.mjs', import.meta.url))
  const child = fork(program, [name, what], { execArgv: [] })
  children.push(child)
  return child
}

const exitOf = async (child: ChildProcess) => (await once(child, 'exit')) as [number | null, string | null]

test('another process attaches by name, gets the messages of a queue, and answers', async () => {
  const communication = await create('answers')
  communication.createQueue('questions')
  communication.createQueue('answers')
  const exited = exitOf(start(communication, 'answer'))
  await communication.sendMessage('questions', { question: 'how long is this?', id: 1 })
  communication.sendMessageSync('questions', { question: 'and this?', id: 2 })
  expect(await communication.receiveMessage('answers')).toEqual({ question: 'how long is this?', id: 1, answer: 17 })
  expect(communication.receiveMessageSync('answers', { timeout: 5_000 })).toMatchObject({ id: 2, answer: 9 })
  communication.openQueue('questions').close()
  expect(await exited).toEqual([0, null])
})

test('a pipe by name: each process has one end, and the end of the stream is told', async () => {
  const communication = await create('line')
  const [line] = communication.createPipe<unknown, unknown>('line')
  const exited = exitOf(start(communication, 'echo'))
  await line.send({ a: [1, 2] })
  await line.send('x'.repeat(300_000))
  expect([await line.receive(), await line.receive()]).toEqual([
    ['echo', { a: [1, 2] }],
    ['echo', 'x'.repeat(300_000)],
  ])
  line.close()
  expect(await exited).toEqual([0, null])
})

test('the death of the process at the other end of a pipe is told, after its last message', async () => {
  const communication = await create('death')
  const [line] = communication.createPipe<string, string>('line')
  start(communication, 'dieWithPipe')
  expect(await line.receive()).toBe('last words')
  expect(await rejectionOf(line.receive())).toMatchObject({ code: 'ERR_PEER_GONE' })
})

test('an event by name lets another process go on', async () => {
  const communication = await create('event')
  const event = communication.createEvent('go')
  communication.createQueue('answers')
  const exited = exitOf(start(communication, 'waitForEvent'))
  expect(communication.openQueue('answers').tryGet()).toBeUndefined()
  event.set()
  expect(await communication.receiveMessage('answers', { timeout: 10_000 })).toBe('gone')
  expect(await exited).toEqual([0, null])
})

test('who makes a queue that is there opens it as it is; a pipe that is there is ERR_NAME_EXISTS', async () => {
  const communication = await create('same')
  const queue = communication.createQueue('shared', { capacity: 7 })
  const [line, other] = communication.createPipe<string>('line')
  expect(await exitOf(start(communication, 'createTheSame'))).toEqual([0, null])
  expect([queue.getSync(), queue.getSync()]).toEqual([7, 'ERR_NAME_EXISTS'])
  expect(thrownBy(() => communication.createPipe('line'))).toMatchObject({ name: 'NameError', code: 'ERR_NAME_EXISTS' })
  line.sendSync('still mine')
  expect(other.receiveSync()).toBe('still mine')
})

test('of many who make a pipe of one name at once, one has it, with both its ends', async () => {
  const communication = await create('race')
  const names = Array.from({ length: 100 }, (_, n) => `pipe ${n}`)
  const worker = new Worker(new URL('fixtures/communication-thread.mjs', import.meta.url), {
    workerData: { name: communication.name, names },
  })
  await once(worker, 'message')
  const mine = names.map((name) => {
    try {
      const [first, second] = communication.createPipe<string>(name, { capacityBytes: 256 })
      first.sendSync('whole')
      return second.receiveSync()
    } catch (error) {
      return (error as { code: string }).code
    }
  })
  const [theirs] = (await once(worker, 'message')) as [string[]]
  for (const [n, outcome] of mine.entries()) expect([outcome, theirs[n]].sort()).toEqual(['ERR_NAME_EXISTS', 'whole'])
  await worker.terminate()
})

test('a name can be taken off and given again; who has the object keeps it', async () => {
  const communication = await create('again')
  const [first, second] = communication.createPipe<string>('line')
  const queue = communication.createQueue('jobs')
  communication.createEvent('go').set()
  expect([communication.removePipe('line'), communication.removePipe('line')]).toEqual([true, false])
  expect([communication.removeQueue('jobs'), communication.removeEvent('go')]).toEqual([true, true])
  communication.createPipe('line')
  queue.putSync(1)
  expect(communication.createQueue('jobs').size).toBe(0)
  expect(communication.createEvent('go').isSet).toBe(false)
  first.sendSync('still there')
  expect([second.receiveSync(), queue.getSync()]).toEqual(['still there', 1])
})

test('something else under the name of a queue is ERR_BAD_HANDLE', () => {
  using segment = Segment.create({ name: own('else'), size: 1 << 20 })
  segment.getOrCreate('queue/jobs', () => new Mutex({ memory: segment }))
  const communication = new ProcessCommunication(segment)
  for (const call of [() => communication.openQueue('jobs'), () => communication.createQueue('jobs')])
    expect(thrownBy(call)).toMatchObject({ code: 'ERR_BAD_HANDLE', message: expect.stringContaining('"jobs"') })
})

test('names that nobody has made are ERR_UNKNOWN_NAME, and say so', async () => {
  const communication = await create('unknown')
  communication.createQueue('jobs')
  for (const failure of [
    await rejectionOf(communication.sendMessage('job', 1)),
    await rejectionOf(communication.receiveMessage('job')),
    thrownBy(() => communication.sendMessageSync('job', 1)),
    thrownBy(() => communication.receiveMessageSync('job')),
    thrownBy(() => communication.openQueue('job')),
    thrownBy(() => communication.openPipe('jobs')),
    thrownBy(() => communication.openEvent('jobs')),
  ])
    expect(failure).toMatchObject({
      name: 'NameError',
      code: 'ERR_UNKNOWN_NAME',
      message: expect.stringContaining('"job'),
    })
  for (const name of ['', 5, undefined])
    expect(thrownBy(() => communication.createQueue(name as string))).toMatchObject({ code: 'ERR_INVALID_ARG' })
  expect(communication.names()).toEqual({ queues: ['jobs'], pipes: [], events: [] })
})

test('receiving gives up after its time, and a message that cannot travel is refused with its path', async () => {
  const communication = await create('timeout')
  communication.createQueue('jobs')
  expect(await rejectionOf(communication.receiveMessage('jobs', { timeout: 5 }))).toMatchObject({
    name: 'QueueEmptyError',
  })
  expect(await rejectionOf(communication.sendMessage('jobs', { run: () => {} }))).toMatchObject({
    code: 'ERR_NOT_CLONEABLE',
    path: '.run',
  })
})

test('a queue, a pipe and an event may have one name; all are listed', async () => {
  const communication = await create('one-name')
  communication.createQueue('it')
  communication.createPipe('it')
  communication.createEvent('it')
  expect(communication.names()).toEqual({ queues: ['it'], pipes: ['it'], events: ['it'] })
})

test('works in a segment that is open already, and leaves it open', () => {
  using segment = Segment.create({ name: own('given'), size: 1 << 20 })
  const communication = new ProcessCommunication(segment)
  const queue = communication.createQueue<number>('jobs', { capacityBytes: 5_000 })
  expect([communication.name, queue.capacityBytes]).toEqual([segment.name, 5_000])
  queue.putSync(1)
  communication.close()
  expect(new ProcessCommunication(segment).openQueue('jobs').getSync()).toBe(1)
})

test('closing what was made here ends what waits', async () => {
  const communication = await create('closed')
  const queue = communication.createQueue('jobs')
  const waiting = rejectionOf(queue.get())
  communication.close()
  expect(await waiting).toMatchObject({ code: 'ERR_CLOSED' })
  expect(thrownBy(() => communication.openQueue('jobs'))).toMatchObject({ code: 'ERR_CLOSED' })
  expect(await rejectionOf(ProcessCommunication.attach(communication.name))).toMatchObject({
    code: 'ERR_SEGMENT_NOT_FOUND',
  })
})

test.each([undefined, null, 5, {}, new ThreadSafeQueue()])('%p is no segment', (segment) => {
  expect(thrownBy(() => new ProcessCommunication(segment as never))).toMatchObject({ code: 'ERR_INVALID_ARG' })
})
