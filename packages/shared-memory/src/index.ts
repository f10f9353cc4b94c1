export type {
  CanonicalType,
  ElementCodes,
  ElementOf,
  ElementType,
  ElementTypeOrCode,
  ElementViews,
} from './element-types.js'
export { CorruptError, SegmentError } from './errors.js'
export type { SharedObject } from './segment/directory.js'
export type { HeapUse } from './segment/heap.js'
export type { SegmentOptions } from './segment/options.js'
export type { ParticipantReport } from './segment/participants.js'
export type { SegmentReport } from './segment/report.js'
export { Segment, type SegmentHandle, type SegmentStats } from './segment/segment.js'
export {
  SharedArray,
  type SharedArrayConstructor,
  type SharedArrayHandle,
  type SharedArrayOptions,
} from './shared-array.js'
export { type DictKey, SharedDict, type SharedDictOptions, type UpdateOptions } from './shared-dict.js'
export { SharedList, type SharedListOptions } from './shared-list.js'
export { SharedMemoryManager, type SharedMemoryManagerOptions } from './shared-memory-manager.js'
export {
  SharedValue,
  type SharedValueConstructor,
  type SharedValueHandle,
  type SharedValueOptions,
} from './shared-value.js'
export type { MemoryChoice } from './store/memory-choice.js'
export {
  type CacheKey,
  type CacheOptions,
  type CacheStats,
  type ComputeOptions,
  type ComputeSyncOptions,
  type PutOptions,
  ThreadSafeCache,
} from './thread-safe-cache.js'
