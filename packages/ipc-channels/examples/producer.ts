import { workerData } from 'node:worker_threads'
import { type SharedObjectHandle, ThreadSafeQueue } from '@heddle/ipc-channels'

export interface Reading {
  hour: number
  celsius: number
}

const readings = ThreadSafeQueue.fromHandle<Reading>(workerData as SharedObjectHandle)

for (const [i, celsius] of [17.5, 19, 21.5, 22, 20.5].entries()) {
  readings.putSync({ hour: 10 + i, celsius })
}
readings.close()
