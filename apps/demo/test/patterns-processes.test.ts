import type { Pattern, Stage } from '@heddle/demo/patterns/pattern.js'
import { cpuIntensive } from '@heddle/demo/patterns/processes/cpu-intensive-task.js'
import { processCommunication } from '@heddle/demo/patterns/processes/process-communication.js'
import { processPoolManager } from '@heddle/demo/patterns/processes/process-pool-manager.js'
import { sharedMemoryManager } from '@heddle/demo/patterns/processes/shared-memory-manager.js'
import { workerProcesses } from '@heddle/demo/patterns/processes/worker-process.js'
import { type PatternRow, runPattern } from '@heddle/demo/patterns/run-pattern.js'
import { completeSetup } from '@heddle/demo/patterns/runbook/complete-setup.js'
import { quickStartMultiprocessing } from '@heddle/demo/patterns/runbook/quick-start-multiprocessing.js'
import { Segment } from '@heddle/shared-memory'
import { describe, expect, jest, test } from '@jest/globals'
import { childrenOf } from './support/left-behind.js'

const isLinux = process.platform === 'linux'
const onLinux = isLinux ? test : test.skip

const needSegments = [sharedMemoryManager, processCommunication, workerProcesses]
const needNone = [processPoolManager, cpuIntensive, quickStartMultiprocessing, completeSetup]

/** Of this process, by their ids; none where the system does not tell. */
function children(): number[] {
  return isLinux ? childrenOf(process.pid) : []
}

/** Segments that this process has open. */
function segments(): string[] {
  if (!isLinux) return []
  const isOurs = ({ participants }: ReturnType<typeof Segment.list>[number]) =>
    participants.some(({ processId }) => processId === process.pid)
  return Segment.list()
    .filter(isOurs)
    .map(({ name }) => name)
}

/** Runs a pattern to its end; not a moment later, nothing of it is left. */
async function run(pattern: Pattern, print: (line: string) => void, signal: AbortSignal): Promise<PatternRow> {
  const before = new Set(children())
  try {
    return await runPattern(pattern, print, signal)
  } finally {
    expect(children().filter((pid) => !before.has(pid))).toEqual([])
    expect(segments()).toEqual([])
  }
}

async function linesOf(pattern: Pattern): Promise<string[]> {
  const lines: string[] = []
  const row = await run(pattern, (line) => lines.push(line), new AbortController().signal)
  expect(row).toMatchObject({ name: pattern.name, problems: [], ok: true })
  return lines
}

/** Aborts as soon as it has printed `when`. */
async function expectItEnds(pattern: Pattern, when: string): Promise<void> {
  const controller = new AbortController()
  const reason = new Error('enough')
  let abortedAt = Number.NaN
  const print = (line: string) => {
    if (line !== when) return
    abortedAt = performance.now()
    controller.abort(reason)
  }
  await expect(run(pattern, print, controller.signal)).rejects.toBe(reason)
  expect(performance.now() - abortedAt).toBeLessThan(5_000)
}

async function expectItDoesNotBegin(pattern: Pattern): Promise<void> {
  const reason = new Error('not today')
  await expect(run(pattern, () => undefined, AbortSignal.abort(reason))).rejects.toBe(reason)
}

describe('the processes of the document', () => {
  test('a pool gives results by id and keeps going when one of its processes falls', async () => {
    expect(await linesOf(processPoolManager)).toEqual([
      'task_0 came to 332833500',
      'task_1: error E_NONE',
      'task_2: error ERR_WORKER_CRASHED',
      'task_3: success 332833500',
    ])
  })

  onLinux('processes fill arrays of three types, a value, a dict and a list', async () => {
    expect(await linesOf(sharedMemoryManager)).toEqual([
      'int32 array: [0, 1, 4]',
      'float64 array: [0.000, 1.000, 1.414]',
      'byte array: web',
      'value: 3000, dict: 3000, list: 3 entries',
    ])
  })

  onLinux('processes talk by a queue, a pipe and an event, and notice a killed peer', async () => {
    expect(await linesOf(processCommunication)).toEqual([
      'the clerk is there',
      'the clerk says: 0',
      'the clerk says: 5',
      'the clerk says: 10',
      'the clerk says: 15',
      'the clerk says: 20',
      'answered: 5',
      'hello? – and then the line was dead',
    ])
  })

  onLinux('three processes print what those of the document print', async () => {
    const lines = await linesOf(workerProcesses)
    for (const id of [0, 1, 2]) {
      const own = lines.filter((line) => line.startsWith(`Worker ${id} `))
      expect(own).toEqual([`Worker ${id} starting`, `Worker ${id} finished`])
    }
    expect(lines.slice(6)).toEqual([
      'Final counter value: 30',
      'Shared array: [9, 19, 29, 0, 0, 0, 0, 0, 0, 0]',
      'the next owner of the lock is told that the last one died: true',
    ])
  })

  test('a pool of four processes processes the ten chunks', async () => {
    expect(await linesOf(cpuIntensive)).toEqual(['Processed 10 tasks'])
  })
})

describe('the runbook', () => {
  test('the quick start gets the result of its one task', async () => {
    expect(await linesOf(quickStartMultiprocessing)).toEqual(['task_0 came to 328350'])
  })

  test('the set-up works in all three places and is shut down', async () => {
    expect(await linesOf(completeSetup)).toEqual([
      'Concurrency patterns setup complete!',
      'another thread came to 328350',
      'another process came to 328350',
      'this thread came to 328350',
      'all three are shut down',
    ])
  })
})

describe('an abort', () => {
  onLinux('while processes work on shared memory ends them, with its reason', () =>
    expectItEnds(workerProcesses, 'Worker 1 starting'),
  )

  onLinux('while processes talk ends them, with its reason', () =>
    expectItEnds(processCommunication, 'the clerk is there'),
  )

  test.each(needNone)('before $name begins is its end', (pattern) => expectItDoesNotBegin(pattern))

  onLinux('before those with shared memory begin is their end', async () => {
    for (const pattern of needSegments) await expectItDoesNotBegin(pattern)
  })
})

describe('where processes share no memory', () => {
  const platform = Object.getOwnPropertyDescriptor(process, 'platform') as PropertyDescriptor

  async function elsewhere<Result>(action: () => Promise<Result>): Promise<Result> {
    Object.defineProperty(process, 'platform', { ...platform, value: 'darwin' })
    try {
      return await action()
    } finally {
      Object.defineProperty(process, 'platform', platform)
    }
  }

  test.each(needSegments)('$name is skipped, says why and prints nothing', async (pattern) => {
    const print = jest.fn()
    const there = { ...pattern, run: (stage: Stage) => elsewhere(() => pattern.run(stage)) }
    const { ok, skipped, problems } = await run(there, print, new AbortController().signal)
    expect([ok, problems]).toEqual([false, []])
    expect(skipped).toMatch(/is there on Linux only, not on darwin/)
    expect(print).not.toHaveBeenCalled()
  })
})
