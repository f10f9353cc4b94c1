import { taskFunctions } from './task-functions.mjs'

export function withPolicyOf({ defineTask, fixture }) {
  return (name, policy) => defineTask(fixture('tasks.mjs'), name, taskFunctions[name], policy)
}
