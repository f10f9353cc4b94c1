import { Worker } from 'node:worker_threads'
import { ThreadSafeQueue } from '@heddle/ipc-channels'
import type { Reading } from './producer.js'

// Room for two: the producer waits whenever it is two readings ahead.
const readings = new ThreadSafeQueue<Reading>({ capacity: 2 })
new Worker(new URL('./producer.js', import.meta.url), { workerData: readings.toHandle() })

for await (const { hour, celsius } of readings) {
  console.log(`${hour}:00  ${celsius} °C`)
}

const { putCount, getCount } = readings.getStats()
console.log(`${putCount} put, ${getCount} taken`)
