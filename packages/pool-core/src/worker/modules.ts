import { invalidArgument } from '../errors.js'
import { compileFunction } from '../functions/compile-function.js'
import type { TaskRef } from '../protocol.js'
import { findTask, type TaskFunction } from '../tasks/define-task.js'

/** The task module that this thread is importing just now; a pool that is made meanwhile was made by that module. */
const importing = Symbol.for('heddle.importing')

const state = globalThis as unknown as Record<symbol, string | undefined>

/** Task modules whose import has succeeded. One that failed half-way may have defined tasks, which fail with it. */
const loaded = new Set<string>()

/**
 * The function of a task, at once if it is there.
 *
 * @throws (or rejects) what the module throws, `ERR_INVALID_ARG` when it does not define the task, `ERR_TASK_CAPTURES`
 */
export function functionOf(task: TaskRef): TaskFunction | Promise<TaskFunction> {
  if ('source' in task) return compileFunction(task)
  const fn = loaded.has(task.moduleUrl) ? findTask(task) : undefined
  return fn ?? load(task.moduleUrl, task.name)
}

async function load(moduleUrl: string, name: string): Promise<TaskFunction> {
  state[importing] = moduleUrl
  try {
    await import(moduleUrl)
  } finally {
    state[importing] = undefined
  }
  loaded.add(moduleUrl)
  const fn = findTask({ moduleUrl, name })
  if (!fn)
    throw invalidArgument(
      `${moduleUrl} defines no task ${name}: call defineTask at its top level, with its own import.meta.url`,
    )
  return fn
}

/**
 * Refuses to make a pool while a worker imports a task module: the module is the program's entry file, or makes a pool at
 * its top level, and each of its workers would make pools of its own, without end.
 *
 * @throws TypeError `ERR_INVALID_ARG`, naming the file
 */
export function refuseWhileImporting(): void {
  const moduleUrl = state[importing]
  if (moduleUrl !== undefined)
    throw invalidArgument(
      `a worker imports ${moduleUrl} to find a task, and that module makes a pool: move its tasks to a module of their own`,
    )
}
