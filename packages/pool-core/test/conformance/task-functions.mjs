// What the workers of the conformance suite do. Each pool's fixtures make tasks of them with its own defineTask.
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay, setImmediate } from 'node:timers/promises'
import { inspect } from 'node:util'
import { threadId } from 'node:worker_threads'
import { taskContext } from '@heddle/pool-core'
import { contextFunctions } from './context-functions.mjs'
import { faultFunctions } from './fault-functions.mjs'

/** A class that the caller's side does not know, with a constructor that no reviver could guess. */
class OrderError extends Error {
  constructor(order, cause) {
    super(`order ${order.id} was refused`, { cause })
    this.name = 'OrderError'
    this.code = 'ERR_ORDER'
    this.order = order
  }
}

const thrown = {
  builtIn: () => new RangeError('too far'),
  custom: () => new OrderError({ id: 7, tags: new Set(['late']) }, new TypeError('inner', { cause: 'innermost' })),
  aggregate: () =>
    new AggregateError([new TypeError('one'), Object.assign(new Error('two'), { code: 'E_TWO' })], 'both'),
  null: () => null,
  undefined: () => undefined,
  string: () => 'just text',
  number: () => -0,
  object: () => ({ status: 404, at: new Date(0) }),
  function: () => function complain() {},
  frozen: () => Object.freeze(Object.assign(new SyntaxError('cold'), { code: 'E_FROZEN' })),
  cyclic() {
    const first = new Error('first')
    first.cause = new Error('second', { cause: first })
    return first
  },
  uncloneableField: () => Object.assign(new Error('kept'), { code: 'E_FIELD', retry: () => {} }),
}

const made = {
  function: () => () => {},
  symbol: () => Symbol('mine'),
  nested: () => ({ list: [1, { callback: () => {} }] }),
  promise: () => ({ later: Promise.resolve(1) }),
}

const workerName = () => `${process.pid}/${threadId}`

function logBegin(dir, label) {
  appendFileSync(join(dir, 'log'), `${label}\n`)
}

/** A gate that is gone has no test that waits for it any longer. */
async function opened(dir) {
  while (existsSync(dir) && !existsSync(join(dir, 'open'))) await delay(2)
}

/** What tasks of this worker were given and have made, if nobody else keeps it. */
const remembered = []

const scratch = { n: 0 }

export const taskFunctions = {
  add: (a, b) => a + b,
  async addLater(a, b) {
    await setImmediate()
    return a + b
  },
  square: (n) => n * n,
  echo: (value) => value,
  shown: (value) => inspect(value),
  count: (...args) => args.length,
  worker: workerName,

  fail(kind) {
    if (kind === 'system') readFileSync(join('no', 'such', 'file'))
    throw thrown[kind]()
  },
  async failLater(kind) {
    await setImmediate()
    throw thrown[kind]()
  },
  make: (kind) => made[kind](),
  async makeLater(kind) {
    await setImmediate()
    return made[kind]()
  },

  log: (dir, label) => logBegin(dir, label),
  /** Runs until the gate is open. */
  async hold(dir, label) {
    logBegin(dir, label)
    await opened(dir)
    return label
  },
  /** The same with one argument, for `map`; waits only if told to. */
  async step({ dir, label, waits }) {
    logBegin(dir, label)
    if (waits) await opened(dir)
    return label
  },
  spin(dir, label) {
    logBegin(dir, label)
    for (;;);
  },
  /** Never comes back to the event loop, either. */
  async spinInMicrotasks(dir, label) {
    logBegin(dir, label)
    for (;;) await Promise.resolve()
  },
  /** How many of its kind run at the moment, itself included. */
  async inside(dir, label) {
    const file = join(dir, `in-${label}`)
    writeFileSync(file, '')
    await delay(3)
    const inside = readdirSync(dir).filter((name) => name.startsWith('in-')).length
    rmSync(file)
    return inside
  },
  exit(code) {
    process.exit(code)
  },
  async exitLater(code) {
    await setImmediate()
    process.exit(code)
  },
  /** Has done its work, and leaves behind what fails once the gate is open. */
  leaveThrow(dir) {
    void opened(dir).then(() => {
      process.nextTick(() => {
        throw new Error('left behind')
      })
    })
    return workerName()
  },
  failOnThree(n) {
    if (n === 3) throw new RangeError('three')
    return n
  },

  /** Ends when it is told to, and says so; the others of its kind go on. */
  async listen(dir, label) {
    const context = taskContext()
    const { signal } = context
    logBegin(dir, label)
    context.progress('listens')
    while (!signal.aborted) await delay(2)
    logBegin(dir, `${label} heard ${signal.reason?.message ?? signal.reason}`)
  },
  open: (dir) => writeFileSync(join(dir, 'open'), ''),
  /** Changes its argument and gives it back, with where it ran. */
  mark: (list) => [list.push('marked'), list, workerName()],
  /** Uses one object for all its results. */
  reuse(n) {
    scratch.n = n
    return scratch
  },
  /** Changes its argument. */
  grow: (o) => o.list.push(1),
  /** Waits for its signal if it is told to, and is short otherwise. */
  hear(dir, label, waits) {
    if (!waits) return label
    const { signal } = taskContext()
    logBegin(dir, label)
    return new Promise((resolve) =>
      signal.addEventListener('abort', () => {
        logBegin(dir, `heard ${signal.reason}`)
        resolve(label)
      }),
    )
  },
  /** Passes a look at its elements, and cannot be cloned. */
  sneaky: (n) => (n === 5 ? Object.assign([n], { method: () => n }) : n),
  exitAt: ({ n, at }) => (n === at ? process.exit(9) : n),
  quick: (ms) => new Promise((resolve) => setTimeout(resolve, ms, ms)),
  attempt: () => taskContext().attempt,
  /** Kept over an await, in which others of its message do not run. */
  async ownId() {
    const context = taskContext()
    await setImmediate()
    return context.id
  },
  ownIdAtOnce: () => taskContext().id,
  exitUntil(attempt) {
    if (taskContext().attempt < attempt) process.exit(9)
    return taskContext().attempt
  },
  failUntil(attempt) {
    if (taskContext().attempt < attempt) throw new RangeError(`attempt ${taskContext().attempt}`)
    return taskContext().attempt
  },
  spinUntil(dir, attempt) {
    logBegin(dir, String(taskContext().attempt))
    while (taskContext().attempt < attempt);
    return taskContext().attempt
  },
  /** Has answered, and ends its worker before it looks at another message. */
  exitBehind() {
    queueMicrotask(() => process.exit(9))
    return workerName()
  },
  /** Does one thing if it is the odd one, and is short otherwise; not all results are numbers. */
  unlessOdd(n, odd, does) {
    if (n !== odd) return n % 9 === 4 ? `${n}` : 2 * n
    if (does === 'exit') process.exit(9)
    return does === 'throw' ? taskFunctions.fail('custom') : made[does]()
  },
  /** The same of an item of a map; `exit once` does it only at its first run. */
  act({ dir, n, does }) {
    if (does === undefined) return 2 * n
    logBegin(dir, String(n))
    if (does === 'spin') for (;;);
    if (does === 'throw') return taskFunctions.fail('custom')
    const runs = readFileSync(join(dir, 'log'), 'utf8').trim().split('\n')
    if (does === 'exit' || runs.filter((label) => label === String(n)).length === 1) process.exit(9)
    return 2 * n
  },
  /** Short, unless it is to wait for the gate. */
  pass({ dir, n, waits }) {
    if (!waits) return 2 * n
    logBegin(dir, String(n))
    return opened(dir).then(() => 2 * n)
  },
  remember(value) {
    const result = { of: [value] }
    remembered.push(new WeakRef(value), new WeakRef(result), new WeakRef(value.part))
    return result
  },
  /** How many of what was remembered are still there. */
  async remaining() {
    await setImmediate()
    globalThis.gc()
    return remembered.filter((reference) => reference.deref() !== undefined).length
  },
  ...faultFunctions,
  ...contextFunctions,
}
