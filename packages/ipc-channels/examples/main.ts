import { Worker } from 'node:worker_threads'
import { Pipe, ProducerConsumer, ThreadSafeQueue, Topic } from '@heddle/ipc-channels'
import type { Reading } from './station.js'

// Between threads: a queue with room for two, so that the station waits whenever it is two readings ahead; and a pipe.
const readings = new ThreadSafeQueue<Reading>({ capacity: 2 })
const [desk, station] = Pipe.create<{ from: number }, string>()
new Worker(new URL('./station.js', import.meta.url), {
  workerData: { readings: readings.toHandle(), desk: station.toHandle() },
})
await desk.send({ from: 10 })
for await (const { hour, celsius } of readings) console.log(`${hour}:00  ${celsius} °C`)
console.log('the station says:', await desk.receive())

// To many at once: each subscriber reads at its own pace.
const alarms = new Topic<string>({ capacity: 2 })
const log = alarms.subscribe()
const screen = alarms.subscribe({ whenSlow: 'skip' })
for (const alarm of ['frost', 'storm', 'flood']) {
  await alarms.publish(alarm)
  console.log('log:', await log.receive())
}
console.log('screen:', await screen.receive(), 'and', screen.lost, 'missed')

// Producers and consumers that are stopped without losing anything.
const system = new ProducerConsumer<number>({ queueSize: 5 })
system.addProducer(function* () {
  for (let n = 1; n <= 20; n++) yield n
})
system.addConsumer((n) => {
  if (n === 13) throw new Error('no thirteen')
})
const { consumed, failures } = await system.start()
console.log(`consumed ${consumed}, failed on ${failures.map(({ item }) => item).join(' ')}`)
