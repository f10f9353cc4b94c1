import { badHandle } from '../errors.js'
import { Mutex } from '../mutex.js'
import { RecursiveMutex } from '../recursive-mutex.js'
import type { SharedObjectHandle } from '../shared-object.js'

/** A condition on its way to another thread: its mutex goes with it. */
export interface ConditionHandle extends SharedObjectHandle {
  readonly mutex: SharedObjectHandle
}

/** @throws TypeError `ERR_BAD_HANDLE`: no handle of a mutex or a recursive mutex */
export function openMutex(handle: SharedObjectHandle): Mutex | RecursiveMutex {
  if (typeof handle !== 'object' || handle === null) throw badHandle('the handle of the condition has no mutex')
  return handle.kind === 'sync-primitives/RecursiveMutex' ? RecursiveMutex.fromHandle(handle) : Mutex.fromHandle(handle)
}
