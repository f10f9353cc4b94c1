import { runCall, type TaskCall } from '@heddle/pool-core'

// The parent is gone: there is nobody to answer. Deferred, since Node 20 fails on an exit inside its own message handling.
process.once('disconnect', () => setImmediate(() => process.exit()))

/** What a worker process of the pool runs for each call. */
export default (call: TaskCall) => runCall(call, 'process')
