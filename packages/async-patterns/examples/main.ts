import { AsyncSemaphore, type AsyncSemaphoreGuard } from '@heddle/async-patterns'

const semaphore = new AsyncSemaphore(3, { maxPermits: 3 })
let running = 0
let highest = 0

async function job(id: number, guard: AsyncSemaphoreGuard): Promise<number> {
  running += guard.permits
  highest = Math.max(highest, running)
  await new Promise((resolve) => setTimeout(resolve, 5))
  running -= guard.permits
  return id * id
}

const jobs = Array.from({ length: 10 }, (_, id) => semaphore.runExclusive((guard) => job(id, guard)))
console.log(`${10 - semaphore.waiting} of ten jobs hold a permit, ${semaphore.waiting} wait`)
console.log(`results: ${(await Promise.all(jobs)).join(' ')}`)
console.log(`highest concurrency: ${highest}`)

// A job that needs the whole machine takes all permits at once, and nobody passes it.
const whole = await semaphore.acquire(3, { timeout: 1_000 })
console.log(`free while it holds ${whole.permits}: ${semaphore.availablePermits}`)
const late = semaphore.acquire({ timeout: 10 })
await late.catch((error: { code?: string }) => console.log(`one more in 10 ms: ${error.code}`))
whole.release()
console.log(`free in the end: ${semaphore.availablePermits}`)
