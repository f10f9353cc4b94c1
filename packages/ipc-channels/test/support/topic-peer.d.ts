import type { Subscription } from '@heddle/ipc-channels'

interface SharedObject {
  toHandle(): unknown
}

/** A thread or a process that does what `fixtures/topic-peer.mjs` can. It ends with the test. */
export declare class TopicPeer {
  /** Starts one that has opened the topics under the names given, and is ready when the promise resolves. */
  static thread(topics: Readonly<Record<string, SharedObject>>): Promise<TopicPeer>
  static process(topics: Readonly<Record<string, SharedObject>>): Promise<TopicPeer>
  /** What the operation returned there; rejects with what it threw. Of one that was ended it never settles. */
  run(operation: string, parameters?: Readonly<Record<string, unknown>>): Promise<unknown>
  /** Ends it at once: `terminate`, or SIGKILL. */
  kill(): Promise<void>
  /** Stops a process, so that it lives and does nothing; lets it go on. */
  stop(): void
  goOn(): void
}

/** The words of a topic in thread memory, from its tag on: their order stands in src/topic/layout.ts. */
export declare function wordsOf(topic: SharedObject): Int32Array

/** What is there for the subscription now. */
export declare function takeAll<T>(subscription: Subscription<T>): T[]
