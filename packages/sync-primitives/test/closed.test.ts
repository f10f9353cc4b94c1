import {
  AutoResetEvent,
  Barrier,
  Condition,
  Latch,
  ManualResetEvent,
  Mutex,
  ReadWriteLock,
  RecursiveMutex,
  Semaphore,
  ThreadSafeCounter,
  ThreadSafeCounter64,
} from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { ClosableMemory } from './support/closable-memory.js'
import { open, subjects } from './support/closable-objects.js'
import { heldGuards } from './support/held-guards.js'

const closed = { name: 'ClosedError', code: 'ERR_CLOSED' }

const ways = [
  ['left', (memory: ClosableMemory) => memory.leave()],
  ['taken away', (memory: ClosableMemory) => memory.takeAway()],
] as const

/** What the call returned or threw, in either way of doing so. */
async function outcomeOf(call: () => unknown): Promise<unknown> {
  try {
    return { returned: await call() }
  } catch (error) {
    return error
  }
}

const each = Object.entries(subjects).map(([name, subject]) => ({
  name,
  subject,
  calls: Object.entries(subject.calls).filter(([call]) => !subject.without?.includes(call)),
}))

describe.each(ways)('in a memory that was %s', (way, close) => {
  test.each(each)('every call of $name throws ERR_CLOSED and changes no word', async ({ subject, calls }) => {
    const memory = ClosableMemory.create()
    const object = subject.make(memory)
    const guard = subject.acquire?.(object)
    close(memory)
    const before = memory.words.slice()
    // Twice: a call that took a zero for a free lock would have made it a held one.
    for (const [name, call] of [...calls, ...calls])
      expect([name, await outcomeOf(() => call(object, guard))]).toEqual([name, expect.objectContaining(closed)])
    // Words that were taken away are nobody's: they may change.
    expect(way === 'left' ? memory.words : before).toEqual(before)
  })

  test.each(each.filter(({ subject }) => subject.acquire))(
    'the guard of $name is released without a word, counts no more, and says so',
    ({ subject }) => {
      const memory = ClosableMemory.create()
      const before = heldGuards()
      const guards = [subject.acquire?.(subject.make(memory)), subject.acquire?.(subject.make(memory))]
      expect(heldGuards()).toBe(before + 2)
      close(memory)
      const words = memory.words.slice()
      guards[0]?.release()
      {
        using last = guards[1]
        expect(last?.held).toBe(true)
      }
      expect([heldGuards(), guards[0]?.held, guards[1]?.held]).toEqual([before, false, false])
      for (const guard of guards) guard?.release()
      expect(heldGuards()).toBe(before)
      expect(memory.words).toEqual(words)
    },
  )

  test('runExclusive and its like let go of what they took when fn closes the memory, and its result comes out', async () => {
    const before = heldGuards()
    const run = async (body: (memory: ClosableMemory, closing: () => string) => unknown) => {
      const memory = ClosableMemory.create()
      return body(memory, () => {
        close(memory)
        return 'result'
      })
    }
    expect(
      await Promise.all([
        run((memory, fn) => new Mutex({ memory }).runExclusive(fn)),
        run((memory, fn) => new Mutex({ memory }).runExclusiveSync(fn)),
        run((memory, fn) => new Mutex({ memory, fair: true }).runExclusiveSync(fn)),
        run((memory, fn) => new RecursiveMutex({ memory }).runExclusiveSync(fn)),
        run((memory, fn) => new Semaphore(1, { memory }).runExclusive(fn)),
        run((memory, fn) => new Semaphore(1, { memory }).runExclusiveSync(fn)),
        run((memory, fn) => new ReadWriteLock({ memory }).runRead(fn)),
        run((memory, fn) => new ReadWriteLock({ memory }).runReadSync(fn)),
        run((memory, fn) => new ReadWriteLock({ memory }).runWrite(fn)),
        run((memory, fn) => new ReadWriteLock({ memory }).runWriteSync(fn)),
      ]),
    ).toEqual(Array.from({ length: 10 }, () => 'result'))
    expect(heldGuards()).toBe(before)
  })

  test('a condition whose predicate closes the memory ends with ERR_CLOSED', async () => {
    for (const method of ['waitFor', 'waitForSync'] as const) {
      const memory = ClosableMemory.create()
      const condition = new Condition(new Mutex({ memory }))
      const guard = condition.mutex.acquireSync()
      const predicate = () => {
        close(memory)
        return false
      }
      expect(await outcomeOf(() => condition[method](guard, predicate))).toMatchObject(closed)
    }
  })

  test('a barrier whose action closes the memory ends with ERR_CLOSED', async () => {
    for (const method of ['wait', 'waitSync'] as const) {
      const memory = ClosableMemory.create()
      const barrier = new Barrier(1, { memory, action: () => close(memory) })
      expect(await outcomeOf(() => barrier[method]())).toMatchObject(closed)
    }
  })

  test('nothing new can be made there, and no handle opened', () => {
    const memory = ClosableMemory.create()
    const handles = each.map(({ subject }) => subject.make(memory).toHandle())
    close(memory)
    for (const { subject } of each) expect(() => subject.make(memory)).toThrow(expect.objectContaining(closed))
    for (const handle of handles) expect(() => open(handle)).toThrow(expect.objectContaining(closed))
  })

  test('bad arguments are errors of their own, as ever', () => {
    const memory = ClosableMemory.create()
    const [mutex, latch] = [new Mutex({ memory }), new Latch(1, { memory })]
    close(memory)
    expect(() => mutex.acquireSync({ timeout: -1 })).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }))
    expect(() => latch.countDown(0)).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }))
  })
})

/** Plain data to compare outcomes by: of a guard, that there is one. */
function plain(outcome: unknown): string {
  const { code, returned } = outcome as { code?: string; returned?: unknown }
  return code ?? JSON.stringify(returned, (_, value) => (typeof value === 'bigint' ? `${value}n` : value)) ?? 'nothing'
}

test.each(each)('$name that is taken away between any two looks never shows what zeros would mean', async (one) => {
  const { subject, calls } = one
  for (const [name, call] of calls) {
    const outcomes = []
    // Without closing first: that is the one other outcome that there may be.
    for (let looks = 0; looks <= 12; looks++) {
      const memory = ClosableMemory.create()
      const object = subject.make(memory)
      const guard = subject.acquire?.(object)
      memory.refuseWaits()
      memory.takeAwayAfterLooks(looks)
      outcomes.push(plain(await outcomeOf(() => call(object, guard))))
      if (memory.isClosed) guard?.release()
    }
    const [open] = outcomes
    expect([name, outcomes.filter((outcome) => outcome !== open && outcome !== 'ERR_CLOSED')]).toEqual([name, []])
  }
})

test.each(each.filter(({ subject }) => subject.acquire))(
  'the guard of $name is released without a word when the memory is taken away between any two looks',
  ({ subject }) => {
    const before = heldGuards()
    for (let looks = 1; looks <= 12; looks++) {
      const memory = ClosableMemory.create()
      const guard = subject.acquire?.(subject.make(memory))
      memory.takeAwayAfterLooks(looks)
      guard?.release()
      expect([looks, guard?.held, heldGuards()]).toEqual([looks, false, before])
    }
  },
)

test('no member of a class is missing from the calls above', () => {
  // What asks nothing of the words.
  const apart = new Set(['constructor', 'toHandle', 'Mutex.release', 'RecursiveMutex.release', 'Condition.mutex'])
  const classes = {
    AutoResetEvent,
    Barrier,
    Condition,
    Latch,
    ManualResetEvent,
    Mutex,
    ReadWriteLock,
    RecursiveMutex,
    Semaphore,
    ThreadSafeCounter,
    ThreadSafeCounter64,
  }
  for (const [name, { prototype }] of Object.entries(classes)) {
    const called = each
      .filter(({ subject }) => subject.class.prototype === prototype)
      .flatMap(({ calls }) => calls.map(([call]) => call.split(' ')[0]))
    const members = Object.getOwnPropertyNames(prototype).filter(
      (member) => !apart.has(member) && !apart.has(`${name}.${member}`),
    )
    expect([name, members.filter((member) => !called.includes(member))]).toEqual([name, []])
  }
})

test('an onOwnerDied that closes the memory leaves no guard behind that nobody has', async () => {
  // The words of a mutex whose owner has died: a participant that never was.
  const diedIn = (memory: ClosableMemory, mutex: Mutex) => {
    const generationOfNobody = 77
    memory.words[mutex.toHandle().index + 1] = (memory.participant | (generationOfNobody << 8)) << 2
  }
  const before = heldGuards()
  for (const method of ['acquire', 'acquireSync', 'tryAcquire'] as const) {
    const memory = ClosableMemory.create()
    const mutex = new Mutex({ memory, onOwnerDied: () => memory.takeAway() })
    diedIn(memory, mutex)
    expect(await outcomeOf(() => mutex[method]())).toMatchObject(closed)
  }
  expect(heldGuards()).toBe(before)
})
