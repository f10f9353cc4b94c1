import type { Boundary } from '@heddle/codec'
import type { TrackedThread } from '../platform/thread-hooks.js'
import type { FromWorker, Hello, HelloReply, ToWorker } from '../protocol.js'
import type { Transferable } from '../tasks/with-transfer.js'

/** The part of a Tinypool that a slot uses. Its pool must have exactly one worker. */
export interface WorkerHost {
  readonly threads: readonly HostedThread[]
  /** As tinypool looks at them, whenever it does. */
  readonly options: { minThreads: number }
  on(event: 'error', listener: (error: Error) => void): unknown
  destroy(): Promise<void>
}

/** The part of a Tinypool's worker that a slot uses; of a process, `threadId` is the pid. */
export interface HostedThread extends TrackedThread {
  readonly threadId: number
  once(event: string, listener: (...details: unknown[]) => void): void
  /** Node's own object; a process has none here. */
  readonly thread?: { prependOnceListener(event: string, listener: () => void): void } | undefined
  emit(event: string, ...details: unknown[]): void
  removeListener?: () => void
}

/** What the workers of a pool are started with. */
export interface WorkerSettings {
  /** For the worker's own options of Node, such as a TypeScript loader. */
  readonly execArgv: readonly string[] | undefined
  /** Variables beside, or in place of, those of this process. */
  readonly env: Readonly<Record<string, string>> | undefined
  readonly resourceLimits: ResourceLimits | undefined
}

/** The most memory that a worker may take, in megabytes. */
export interface ResourceLimits {
  readonly maxOldGenerationSizeMb?: number | undefined
  readonly maxYoungGenerationSizeMb?: number | undefined
  readonly stackSizeMb?: number | undefined
}

/** The pool's end of a lane. */
export interface Lane {
  send(message: ToWorker, transfer?: readonly Transferable[]): void
  /** The worker has exited: hands over what it had sent before. Undefined: all of it has been handed over now. */
  finish(): Promise<void> | undefined
  close(): void
}

export interface Connected {
  readonly lane: Lane
  /** The worker's answer; rejects when it ends before it has answered. */
  readonly reply: Promise<HelloReply>
}

/** How the workers of one runtime are made, connected and ended. */
export interface HostKind<Host extends WorkerHost = WorkerHost> {
  /** For messages, such as `worker thread`. */
  readonly what: string
  readonly boundary: Boundary
  createHost(settings: WorkerSettings): Host
  connect(host: Host, hello: Hello, onMessage: (message: FromWorker) => void): Connected
  /** Ends the worker faster than `destroy()` does, where there is a way. */
  killWorker?(worker: HostedThread): void
}
