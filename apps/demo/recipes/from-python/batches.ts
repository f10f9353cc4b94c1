import { AsyncBatchProcessor, AsyncRateLimiter } from '@heddle/async-patterns'

class Printer extends AsyncBatchProcessor<number> {
  protected override async processBatch(batch: readonly number[]) {
    console.log('batch of', batch.length)
  }
}

const limiter = new AsyncRateLimiter(100, 1_000) // a hundred in 1,000 ms
await using printer = new Printer({ batchSize: 3, flushInterval: 100 })
for (let n = 0; n < 7; n++) {
  await limiter.acquire()
  void printer.addItem(n)
}
