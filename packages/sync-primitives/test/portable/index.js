// The cases that hold on every runtime: Node, Deno, Bun and a page. A case is one plain async function; what it may use is
// the language, what runtimes have in common with a page, and the package. See index.d.ts.
import { cases as barrier } from './barrier.js'
import { cases as condition } from './condition.js'
import { cases32, cases64 } from './counters.js'
import { autoCases, manualCases } from './events.js'
import { cases as latch } from './latch.js'
import { cases as memory } from './memory.js'
import { cases as mutex } from './mutex.js'
import { cases as readWriteLock } from './read-write-lock.js'
import { cases as recursiveMutex } from './recursive-mutex.js'
import { cases as semaphore } from './semaphore.js'

const suites = {
  Mutex: mutex,
  Semaphore: semaphore,
  ThreadSafeCounter: cases32,
  ThreadSafeCounter64: cases64,
  RecursiveMutex: recursiveMutex,
  ReadWriteLock: readWriteLock,
  Condition: condition,
  Barrier: barrier,
  ManualResetEvent: manualCases,
  AutoResetEvent: autoCases,
  Latch: latch,
  ThreadMemory: memory,
}

export const cases = Object.entries(suites).flatMap(([subject, own]) =>
  own.map((each) => ({ ...each, name: `${subject}: ${each.name}` })),
)
