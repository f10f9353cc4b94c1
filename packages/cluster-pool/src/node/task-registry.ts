import type { Task } from '@heddle/pool-core'
import { definitionOf, describe, invalidArgument, type TaskDefinition } from '@heddle/pool-core/building-blocks'

export interface RegisteredTask {
  readonly task: Task
  readonly definition: TaskDefinition
}

/** The tasks of a node: a list, or a module that exports them (what is no task in it is left out). */
export type NodeTasks = readonly Task[] | Readonly<Record<string, unknown>>

/**
 * What a node runs, by name. A caller only sends a name: nothing that comes over the wire is ever imported or evaluated.
 *
 * @throws TypeError `ERR_INVALID_ARG`: no tasks, something in a list that is none, or two of one name
 */
export function registryOf(tasks: NodeTasks): ReadonlyMap<string, RegisteredTask> {
  if (typeof tasks !== 'object' || tasks === null)
    throw invalidArgument(`tasks must be a list of tasks or a module that exports some, not ${describe(tasks)}`)
  const isList = Array.isArray(tasks)
  const registry = new Map<string, RegisteredTask>()
  for (const task of Object.values(tasks)) {
    const definition = definitionOf(task)
    if (definition) add(registry, { task: task as Task, definition })
    else if (isList) throw invalidArgument(`a node runs tasks made with defineTask, not ${describe(task)}`)
  }
  if (registry.size === 0)
    throw invalidArgument('a node needs at least one task: export what defineTask gives, and name that module')
  return registry
}

function add(registry: Map<string, RegisteredTask>, entry: RegisteredTask): void {
  const { name, moduleUrl } = entry.definition
  const known = registry.get(name)
  if (known && known.definition.moduleUrl !== moduleUrl)
    throw invalidArgument(`there are two tasks ${name}, in ${known.definition.moduleUrl} and in ${moduleUrl}`)
  registry.set(name, entry)
}
