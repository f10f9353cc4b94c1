import { invalidArgument } from '../errors.js'
import { describe, objectOf } from '../options.js'
import type { TaskAddress } from './task-address.js'
import { idempotentOf, type RetryCounts, retriesOf, type TaskPolicy } from './task-policy.js'

// biome-ignore lint/suspicious/noExplicitAny: a parameter list that every function fits; `unknown[]` would refuse most
export type TaskFunction = (...args: any[]) => unknown

const definition = Symbol.for('heddle.task')

/** What a pool knows of a task. */
export interface TaskDefinition extends TaskAddress {
  readonly idempotent: boolean
  readonly retries: RetryCounts
}

/** A function that pools can run elsewhere. Called directly, it runs here as it always did. */
export type Task<Fn extends TaskFunction = TaskFunction> = Fn & { readonly [definition]: TaskDefinition }

/** Shared by all copies of this package in the thread: the defining module and the worker may load different ones. */
const tasks: Map<string, TaskFunction> = (() => {
  const key = Symbol.for('heddle.tasks')
  const globals = globalThis as unknown as Record<symbol, Map<string, TaskFunction> | undefined>
  globals[key] ??= new Map()
  return globals[key]
})()

const keyOf = ({ moduleUrl, name }: TaskAddress) => `${moduleUrl}\n${name}`

/**
 * Makes a task of a function, so that pools can run it in other threads and processes. Does not block.
 *
 * Call it at the top level of a module of its own that workers can import, and never in the program's entry file: a worker
 * imports that module once and finds the function by its name.
 *
 * @param moduleUrl - `import.meta.url` of the module that makes the call
 * @param name - a name that no other task of the module has; the export's name is a good one
 * @param fn - the function; it may be async, or a generator whose values are streamed. Its arguments and its result must be
 * cloneable, or shared objects
 * @param policy - what pools may do with it: whether it may run twice, and how often
 * @returns a task: call it like the function, or hand it to a pool
 * @throws TypeError `ERR_INVALID_ARG`: bad arguments, or the module has another task of that name
 * @throws RangeError `ERR_OUT_OF_RANGE`: a number of retries that is none
 */
export function defineTask<Fn extends TaskFunction>(
  moduleUrl: string,
  name: string,
  fn: Fn,
  policy?: TaskPolicy,
): Task<Fn> {
  if (typeof moduleUrl !== 'string' || !URL.canParse(moduleUrl))
    throw invalidArgument(`the first argument of defineTask must be import.meta.url, not ${describe(moduleUrl)}`)
  if (typeof name !== 'string' || name === '')
    throw invalidArgument(`the second argument of defineTask must be the task's name, not ${describe(name)}`)
  if (typeof fn !== 'function')
    throw invalidArgument(`the third argument of defineTask must be a function, not ${describe(fn)}`)
  const checked = objectOf('policy', policy)
  const idempotent = idempotentOf(checked)
  const retries = retriesOf(checked.retries, idempotent, name)
  const key = keyOf({ moduleUrl, name })
  const existing = tasks.get(key)
  // A module may be evaluated twice, by a test runner say; then the same text comes again.
  if (existing && existing !== fn && existing.toString() !== fn.toString())
    throw invalidArgument(`${moduleUrl} defines two tasks with the name ${name}`)
  tasks.set(key, fn)
  const task = function (this: unknown, ...args: unknown[]) {
    return Reflect.apply(fn, this, args)
  }
  Object.defineProperty(task, 'name', { value: name, configurable: true })
  Object.defineProperty(task, definition, { value: Object.freeze({ moduleUrl, name, idempotent, retries }) })
  return task as unknown as Task<Fn>
}

/** What `defineTask` was told; undefined: not a task. */
export function definitionOf(task: unknown): TaskDefinition | undefined {
  return typeof task === 'function' ? (task as Partial<Task>)[definition] : undefined
}

/** The function of a task that this thread has loaded. */
export function findTask(taskAddress: TaskAddress): TaskFunction | undefined {
  return tasks.get(keyOf(taskAddress))
}
