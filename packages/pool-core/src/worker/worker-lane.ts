import type { FromWorker } from '../protocol.js'
import type { Transferable } from '../tasks/with-transfer.js'

/** The worker's end of its lane. */
export interface WorkerLane {
  /** @throws DataCloneError when the transfer list does not fit the message; nothing was sent */
  send(message: FromWorker, transfer?: readonly Transferable[]): void
}
