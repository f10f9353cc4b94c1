import { heapModels } from './heap.ts'
import type { ModelRow } from './model-row.ts'
import { slotModels } from './slots.ts'

export const models: readonly ModelRow[] = [...heapModels, ...slotModels]
