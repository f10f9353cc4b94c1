import { type Boundary, decodeValue, encodeThrown, encodeValue } from '@heddle/codec'
import { findTask, type TaskAddress, type TaskFunction } from './define-task.js'
import { invalidArgument } from './errors.js'
import type { TaskCall, TaskReply } from './slot.js'

/** The task module that this thread is importing just now; a pool that is made meanwhile was made by that module. */
const importing = Symbol.for('heddle.importing')

const state = globalThis as unknown as Record<symbol, string | undefined>

/** Task modules whose import has succeeded. One that failed half-way may have defined tasks, which fail with it. */
const loaded = new Set<string>()

/**
 * Runs a call in a worker and always answers: whatever the task does, tinypool's own error path, which drops names, codes
 * and classes, is never taken.
 */
export function runCall(call: TaskCall, boundary: Boundary): TaskReply | Promise<TaskReply> {
  const fn = loaded.has(call.task.moduleUrl) ? findTask(call.task) : undefined
  return fn ? runFunction(fn, call, boundary) : loadAndRun(call, boundary)
}

async function loadAndRun(call: TaskCall, boundary: Boundary): Promise<TaskReply> {
  try {
    return await runFunction(await loadTask(call.task), call, boundary)
  } catch (error) {
    return failure(error, boundary)
  }
}

async function loadTask(task: TaskAddress): Promise<TaskFunction> {
  state[importing] = task.moduleUrl
  try {
    await import(task.moduleUrl)
  } finally {
    state[importing] = undefined
  }
  loaded.add(task.moduleUrl)
  const fn = findTask(task)
  if (!fn)
    throw invalidArgument(
      `${task.moduleUrl} defines no task ${task.name}: call defineTask at its top level, with its own import.meta.url`,
    )
  return fn
}

function runFunction(fn: TaskFunction, call: TaskCall, boundary: Boundary): TaskReply | Promise<TaskReply> {
  try {
    const result = fn(...(decodeValue(call.args) as unknown[]))
    return isThenable(result) ? settle(result, boundary) : success(result, boundary)
  } catch (error) {
    return failure(error, boundary)
  }
}

async function settle(result: PromiseLike<unknown>, boundary: Boundary): Promise<TaskReply> {
  try {
    return success(await result, boundary)
  } catch (error) {
    return failure(error, boundary)
  }
}

/** @throws NotCloneableError `ERR_NOT_CLONEABLE`, which then is the task's failure */
function success(result: unknown, boundary: Boundary): TaskReply {
  return { ok: true, outcome: encodeValue(result, boundary) }
}

function failure(error: unknown, boundary: Boundary): TaskReply {
  return { ok: false, outcome: encodeThrown(error, boundary) }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
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
