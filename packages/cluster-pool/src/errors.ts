import { TimeoutError } from '@heddle/pool-core'

/**
 * Something is missing in the cluster. `ERR_NO_SERVER`: no server was named, or it cannot be started or spoken to from here.
 * `ERR_SERVER_UNAVAILABLE`: the server has not answered in time, or the connection broke; what was asked for may have happened.
 * `ERR_TASK_NOT_REGISTERED`: the node that got a task does not have it.
 */
export class ClusterError extends Error {
  readonly code: 'ERR_NO_SERVER' | 'ERR_SERVER_UNAVAILABLE' | 'ERR_TASK_NOT_REGISTERED'

  constructor(code: ClusterError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  static {
    ClusterError.prototype.name = 'ClusterError'
  }
}

/**
 * A lock, permits or a delivery are not what their holder takes them for. `ERR_LEASE_LOST`: the lease ran out, or the server has
 * forgotten it, so that another may hold it now. `ERR_NOT_OWNER`: it was released by its holder before.
 */
export class LockStateError extends Error {
  readonly code: 'ERR_LEASE_LOST' | 'ERR_NOT_OWNER'

  constructor(code: LockStateError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  static {
    LockStateError.prototype.name = 'LockStateError'
  }
}

/** The queue had no item, or the topic no message, within the time; nothing was taken. */
export class QueueEmptyError extends TimeoutError {
  static {
    QueueEmptyError.prototype.name = 'QueueEmptyError'
  }
}
