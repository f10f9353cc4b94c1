import { asyncBatchProcessor } from './async/async-batch-processor.js'
import { asyncProducerConsumer } from './async/async-producer-consumer.js'
import { asyncProducerConsumerExample } from './async/async-producer-consumer-example.js'
import { asyncRateLimiter } from './async/async-rate-limiter.js'
import { asyncTaskManager } from './async/async-task-manager.js'
import { asyncUsage } from './async/async-usage.js'
import type { Pattern } from './pattern.js'
import { cpuIntensive } from './processes/cpu-intensive-task.js'
import { processCommunication } from './processes/process-communication.js'
import { processPoolManager } from './processes/process-pool-manager.js'
import { sharedMemoryManager } from './processes/shared-memory-manager.js'
import { workerProcesses } from './processes/worker-process.js'
import { completeSetup } from './runbook/complete-setup.js'
import { quickStartAsync } from './runbook/quick-start-async.js'
import { quickStartMultiprocessing } from './runbook/quick-start-multiprocessing.js'
import { quickStartThreading } from './runbook/quick-start-threading.js'
import { barrier } from './threads/barrier.js'
import { producerConsumer } from './threads/producer-consumer.js'
import { producerConsumerExample } from './threads/producer-consumer-example.js'
import { readWriteLock } from './threads/read-write-lock.js'
import { semaphore } from './threads/semaphore.js'
import { threadPoolManager } from './threads/thread-pool-manager.js'
import { threadSafeCache } from './threads/thread-safe-cache.js'
import { threadSafeCounter } from './threads/thread-safe-counter.js'
import { threadSafeQueue } from './threads/thread-safe-queue.js'
import { workerWithBarrier } from './threads/worker-with-barrier.js'
import { workerWithSemaphore } from './threads/worker-with-semaphore.js'

/** Every class, example and set-up of the document, in its order. */
export const patterns: readonly Pattern[] = [
  threadPoolManager,
  threadSafeCounter,
  threadSafeQueue,
  producerConsumer,
  producerConsumerExample,
  readWriteLock,
  threadSafeCache,
  barrier,
  semaphore,
  workerWithBarrier,
  workerWithSemaphore,
  processPoolManager,
  sharedMemoryManager,
  processCommunication,
  cpuIntensive,
  workerProcesses,
  asyncTaskManager,
  asyncProducerConsumer,
  asyncRateLimiter,
  asyncBatchProcessor,
  asyncProducerConsumerExample,
  asyncUsage,
  quickStartThreading,
  quickStartMultiprocessing,
  quickStartAsync,
  completeSetup,
]
