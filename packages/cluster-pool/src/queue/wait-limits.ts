import { objectOf, signalOf, timeoutOf, type WaitLimits } from '@heddle/pool-core/building-blocks'
import type { QueueWaitOptions } from './queue-options.js'

/**
 * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options
 * @throws the reason of the signal, if it has aborted
 */
export function waitLimitsOf(options: QueueWaitOptions | undefined): WaitLimits {
  const { timeout, signal } = objectOf('options', options)
  const limits = { timeout: timeoutOf(timeout), signal: signalOf(signal) }
  if (limits.signal?.aborted) throw limits.signal.reason
  return limits
}
