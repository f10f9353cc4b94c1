import { barrierModels } from './barrier.ts'
import { conditionModels } from './condition.ts'
import { eventModels } from './events.ts'
import type { ModelRow } from './model-row.ts'
import { mutexModels } from './mutex.ts'
import { permitLineModels } from './permit-line.ts'
import { readWriteLockModels } from './read-write-lock.ts'

/** Explorations of the lines that ship, primitive by primitive. All of them together take a minute or two. */
export const models: readonly ModelRow[] = [
  ...mutexModels,
  ...permitLineModels,
  ...readWriteLockModels,
  ...conditionModels,
  ...barrierModels,
  ...eventModels,
]
