import { runCall, type TaskCall } from '@heddle/pool-core'

/** What a worker thread of the pool runs for each call. */
export default (call: TaskCall) => runCall(call, 'thread')
