import type { ModelRow } from './model-row.ts'
import { priorityModels } from './priority.ts'
import { queueModels } from './queue.ts'
import { topicModels } from './topic.ts'

/** All algorithms of this package in the model checker. */
export const models: readonly ModelRow[] = [...queueModels, ...priorityModels, ...topicModels]
