import type { TaskPolicy } from '@heddle/pool-core'
import type { Kit } from './kit.js'
import type { ConformanceTasks, TaskFunctions } from './task-functions.mjs'

export type WithPolicy = <Name extends keyof TaskFunctions>(name: Name, policy: TaskPolicy) => ConformanceTasks[Name]

/** Makes a task of the fixtures once more, under a policy of its own: only the pool looks at that, never the worker. */
export declare function withPolicyOf(kit: Kit): WithPolicy
