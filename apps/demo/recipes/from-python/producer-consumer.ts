import { ProducerConsumer } from '@heddle/ipc-channels'

const system = new ProducerConsumer<number>({ queueSize: 5 })
let sum = 0
system.addProducer(function* () {
  for (let n = 1; n <= 20; n++) yield n // it ends by itself, and so does the system
})
system.addConsumer((n) => {
  sum += n
})
const report = await system.start()
console.log(report.consumed, sum)
