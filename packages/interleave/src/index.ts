export { type ExploreOptions, explore, type Mode, type Report } from './explore.js'
export type { FailureKind } from './judge.js'
export { checkLinearizable, type LinearizabilityReport } from './linearizable.js'
export type {
  Budget,
  Choices,
  Judgement,
  KernelMemory,
  Model,
  Snapshot,
  Thread,
  ThreadFunction,
  ThreadStatus,
  Timeouts,
} from './model.js'
export { type Failure, type Replay, replay } from './replay.js'
export { ILLEGAL, type Operation, type SequentialModel } from './sequential-model.js'
export {
  add,
  type CheckpointState,
  type CheckpointValue,
  checkpoint,
  compareExchange,
  exchange,
  GAVE_UP,
  isDead,
  load,
  notify,
  type Step,
  type Steps,
  spinHint,
  store,
  WOKEN,
  wait,
} from './steps.js'
export type { EventCounts } from './tally.js'
