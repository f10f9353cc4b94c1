// What the suite has run. Made with defineTask, so that threads, processes and other machines can import this module.
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import { defineTask, type Task } from '../tasks/define-task.js'
import { opened } from './opened.js'

/** A class that the caller's side does not have, with a constructor that nobody could guess. */
class OrderError extends Error {
  readonly code = 'ERR_ORDER'
  readonly order: object

  constructor(order: { readonly id: number }, cause: Error) {
    super(`order ${order.id} was refused`, { cause })
    this.name = 'OrderError'
    this.order = order
  }
}

const thrown = {
  range: () => new RangeError('too far'),
  type: () => new TypeError('not one of us'),
  syntax: () => new SyntaxError('unexpected'),
  custom: () => new OrderError({ id: 7 }, new TypeError('inner', { cause: 'innermost' })),
  aggregate: () =>
    new AggregateError([new TypeError('one'), Object.assign(new Error('two'), { code: 'E_TWO' })], 'both'),
  null: () => null,
  undefined: () => undefined,
  string: () => 'just text',
  number: () => -0,
  object: () => ({ status: 404, at: new Date(0) }),
}

const made = {
  function: () => () => undefined,
  nested: () => ({ list: [1, { callback: () => undefined }] }),
}

/** What {@link fail} throws. */
export type Failure = keyof typeof thrown | 'system'

/** One item of a map: what it logs, and whether it waits until the gate is open. */
export interface Step {
  readonly dir: string
  readonly label: string
  readonly waits?: boolean
}

function logBegin(dir: string, label: string): void {
  // A folder that is gone has no case any more that reads its log.
  if (existsSync(dir)) appendFileSync(join(dir, 'log'), `${label}\n`)
}

function failWith(kind: Failure): never {
  if (kind === 'system') readFileSync(join('no', 'such', 'file'))
  throw thrown[kind as keyof typeof thrown]()
}

export const add: Task<(a: number, b: number) => number> = defineTask(import.meta.url, 'add', (a, b) => a + b)

export const addLater: Task<(a: number, b: number) => Promise<number>> = defineTask(
  import.meta.url,
  'addLater',
  async (a, b) => {
    await turn()
    return a + b
  },
)

export const square: Task<(n: number) => number> = defineTask(import.meta.url, 'square', (n) => n * n)

export const echo: Task<(value: unknown) => unknown> = defineTask(import.meta.url, 'echo', (value) => value)

/** How many arguments it was given. */
export const count: Task<(...args: unknown[]) => number> = defineTask(
  import.meta.url,
  'count',
  (...args) => args.length,
)

export const fail: Task<(kind: Failure) => never> = defineTask(import.meta.url, 'fail', failWith)

/** The same after a turn of the event loop. */
export const failLater: Task<(kind: Failure) => Promise<never>> = defineTask(
  import.meta.url,
  'failLater',
  async (kind) => {
    await turn()
    return failWith(kind)
  },
)

export const failOnThree: Task<(n: number) => number> = defineTask(import.meta.url, 'failOnThree', (n) => {
  if (n === 3) throw new RangeError('three')
  return n
})

/** Gives what cannot be copied. */
export const make: Task<(kind: keyof typeof made) => unknown> = defineTask(import.meta.url, 'make', (kind) =>
  made[kind](),
)

/** Changes its argument. */
export const mark: Task<(list: string[]) => string[]> = defineTask(import.meta.url, 'mark', (list) => {
  list.push('marked')
  return list
})

/** Tells that it has begun. */
export const log: Task<(dir: string, label: string) => void> = defineTask(import.meta.url, 'log', logBegin)

/** Tells that it has begun, and runs until the gate is open. */
export const hold: Task<(dir: string, label: string) => Promise<string>> = defineTask(
  import.meta.url,
  'hold',
  async (dir, label) => {
    logBegin(dir, label)
    await opened(dir)
    return label
  },
)

/** The same for `map`: waits only if it is told to. */
export const step: Task<(item: Step) => Promise<string>> = defineTask(
  import.meta.url,
  'step',
  async ({ dir, label, waits }) => {
    logBegin(dir, label)
    if (waits) await opened(dir)
    return label
  },
)

/** How many of its kind run at the moment, itself included. */
export const inside: Task<(dir: string, label: string) => Promise<number>> = defineTask(
  import.meta.url,
  'inside',
  async (dir, label) => {
    const file = join(dir, `in-${label}`)
    writeFileSync(file, '')
    await delay(3)
    const inside = readdirSync(dir).filter((name) => name.startsWith('in-')).length
    rmSync(file)
    return inside
  },
)

/** Never ends, nor comes back to the event loop. Only for executors that can end it. */
export const spin: Task<(dir: string, label: string) => never> = defineTask(import.meta.url, 'spin', (dir, label) => {
  logBegin(dir, label)
  for (;;);
})

/** Ends the process or thread that it runs in. Only for executors that are isolated from it. */
export const exit: Task<(code: number) => never> = defineTask(import.meta.url, 'exit', (code) => process.exit(code))
