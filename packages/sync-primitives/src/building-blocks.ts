/**
 * For packages that build structures of their own in the memories of this one: steps and their drivers, the lock of a
 * structure, and how an object is made and found again. It is for the family: it may change in any version.
 */
export { FREE, lockBriefly, ownedBy, ownerOf, unlock, WAITERS } from './algorithms/mutex.js'
export { type Awaited, runAwaiting } from './drivers/awaiting.js'
export { runBlocking, runRelease, runWithoutWaiting } from './drivers/blocking.js'
export { type Lane, laneOf } from './drivers/lane.js'
export { isAbort } from './drivers/patience.js'
export { holdProcess, letProcessGo } from './drivers/ticker.js'
export { badHandle, InternalError, invalidArgument, outOfRange, tooManyParticipants, unsupported } from './errors.js'
export { InnerLock } from './inner-lock.js'
export { registerKind } from './kinds.js'
export { refusePromise } from './locks/refuse-promise.js'
export { throwIfClosed } from './memory/closed.js'
export { generationOf, mostSlots, participantOf, slotOf } from './memory/participants.js'
export {
  booleanOption,
  deadlineOf,
  describe,
  functionOption,
  mustBeFunction,
  objectOption,
  signalOf,
  wholeNumber,
} from './options.js'
export { ObjectKind, Place, STATE } from './shared-object.js'
export * from './steps.js'
