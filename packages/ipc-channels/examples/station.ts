import { workerData } from 'node:worker_threads'
import { PipeEnd, type SharedObjectHandle, ThreadSafeQueue } from '@heddle/ipc-channels'

export interface Reading {
  hour: number
  celsius: number
}

const handles = workerData as { readings: SharedObjectHandle; desk: SharedObjectHandle }
const readings = ThreadSafeQueue.fromHandle<Reading>(handles.readings)
const desk = PipeEnd.fromHandle<string, { from: number }>(handles.desk)

const { from } = desk.receiveSync()
for (const [i, celsius] of [17.5, 19, 21.5, 22].entries()) readings.putSync({ hour: from + i, celsius })
readings.close()
desk.sendSync(`${readings.getStats().putCount} readings`)
