import type { ThreadSafePriorityQueue } from '@heddle/ipc-channels'

type Queues = Readonly<Record<string, ThreadSafePriorityQueue<never>>>

/** A thread or a process of `../fixtures/priority-peer.mjs`. It is ended after the test. */
export declare class PriorityPeer {
  static thread(queues: Queues): Promise<PriorityPeer>
  static process(queues: Queues): Promise<PriorityPeer>
  // biome-ignore lint/suspicious/noExplicitAny: what the operations give
  run(operation: string, parameters?: object): Promise<any>
  /** One method of a queue. */
  // biome-ignore lint/suspicious/noExplicitAny: what the methods give
  call(name: string, method: string, ...args: readonly unknown[]): Promise<any>
  /** Ends it at once: by `terminate()` or SIGKILL. */
  kill(): Promise<void>
}
