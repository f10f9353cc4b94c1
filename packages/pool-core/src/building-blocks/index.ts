export { invalidArgument, outOfRange } from '../errors.js'
export { MapOutput } from '../maps/map-output.js'
export { MapSource } from '../maps/map-source.js'
export {
  describe,
  finiteNumber,
  milliseconds,
  objectOf,
  optionalFunction,
  signalOf,
  timeoutOf,
  wholeNumber,
  wholeNumberOrInfinity,
} from '../options.js'
export { addAbortCallback, removeAbortCallback } from '../platform/abort-registry.js'
export { holdProcess, letProcessGo } from '../platform/keep-alive.js'
export { reportError } from '../platform/report-error.js'
export { inRootContext } from '../platform/root-context.js'
export { startTimer } from '../platform/timer.js'
export { type WaitLimits, waitUntil } from '../platform/wait-until.js'
export { DurationHistogram } from '../results/duration-histogram.js'
export { type FollowedJob, ResultTable } from '../results/result-table.js'
export { definitionOf, type TaskDefinition } from '../tasks/define-task.js'
export { type RetryCounts, retriesOf } from '../tasks/task-policy.js'
export { refuseGenerator } from '../worker/outcome.js'
