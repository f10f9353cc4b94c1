import {
  AsyncBatchProcessor,
  AsyncProducerConsumer,
  AsyncRateLimiter,
  AsyncTaskManager,
  TaskGroup,
} from '@heddle/async-patterns'

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

// As many at a time as there are places; the others wait in a queue with a bound, and so does who awaits submitTask.
await using manager = new AsyncTaskManager({ maxConcurrent: 3, maxQueued: 100 })
const square = async (n: number) => {
  await pause(1)
  return n * n
}
const id = await manager.submitTask(square, [7])
console.log(id, await manager.getTaskResult(id))
console.log('map:', (await manager.map(square, [1, 2, 3, 4]).toArray()).join(' '))
const slow = manager.run(({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', reject)), {
  timeout: 5,
})
await slow.catch((error: { code?: string }) => console.log(`too slow: ${error.code}`))

// A producer may be a generator, which ends by itself; nothing that was produced is lost.
const system = new AsyncProducerConsumer<number>({ queueSize: 10 })
system.addProducer(function* () {
  for (let n = 1; n <= 20; n++) yield n
})
system.addConsumer(async (n) => {
  if (n === 13) throw new Error('no thirteen')
})
const { consumed, failures } = await system.start()
console.log(`consumed ${consumed}, failed on ${failures.map(({ item }) => item).join(' ')}`)

// A permit every 20 ms, three at once after a rest.
const limiter = new AsyncRateLimiter(50, 1_000, { burst: 3 })
console.log('at once:', [1, 2, 3, 4].filter(() => limiter.tryAcquire()).length)
await limiter.acquire()

// Items are processed together; each caller gets its own result.
await using batches = new AsyncBatchProcessor({
  batchSize: 3,
  flushInterval: 5,
  process: async (names: readonly string[]) => names.map((name) => `${name} of ${names.length}`),
})
console.log((await Promise.all(['a', 'b', 'c', 'd'].map((name) => batches.add(name)))).join(', '))

// One that fails cancels its siblings, and the group is over when all of them have ended.
const failed = TaskGroup.scope((group) => {
  void group.run(async () => {
    throw new Error('disk full')
  })
  void group.run(async ({ signal }) => {
    while (!signal.aborted) await pause(1)
    console.log('the sibling cleaned up')
  })
})
await failed.catch((error: AggregateError) => console.log(`${error.errors.length} failed: ${error.errors[0].message}`))
