// What a peer's program hears from and says to who has started it, be it a thread or a process.
import { isMainThread, parentPort } from 'node:worker_threads'

export const say = isMainThread
  ? (message) => process.send(message, () => {}) // whoever has started it may have ended
  : (message) => parentPort.postMessage(message)

export function onOrder(listener) {
  if (isMainThread) {
    process.on('message', listener)
    process.on('disconnect', () => process.exit(0))
  } else parentPort.on('message', listener)
}
