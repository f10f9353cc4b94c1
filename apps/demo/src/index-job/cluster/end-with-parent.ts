// Imported by a node before all else: the demo may be killed, and nobody else would end its nodes.
import { isMainThread } from 'node:worker_threads'

if (isMainThread) {
  process.once('disconnect', () => process.exit())
  // The channel carries nothing, and is no reason to stay.
  process.channel?.unref()
}
