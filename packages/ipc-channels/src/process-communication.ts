import {
  type AcquireOptions,
  type AcquireSyncOptions,
  ManualResetEvent,
  type Memory,
  type SharedObjectHandle,
} from '@heddle/sync-primitives'
import {
  badHandle,
  describe,
  invalidArgument,
  objectOption,
  registerKind,
  unsupported,
} from '@heddle/sync-primitives/building-blocks'
import { NameError } from './errors.js'
import { Pipe, type PipeOptions } from './pipe.js'
import { PipeEnd } from './pipe-end.js'
import type { ThreadSafeQueueOptions } from './queue-options.js'
import { ThreadSafeQueue } from './thread-safe-queue.js'

/** A memory whose objects have names: a `Segment` of `@heddle/shared-memory`. */
export interface NamedMemory extends Memory {
  getOrCreate<Shared extends NamedObject>(name: string, create: () => Shared): Shared
  get(name: string): NamedObject | undefined
  delete(name: string): boolean
  names(): string[]
  close(): void
}

interface NamedObject {
  toHandle(): { readonly kind: string; readonly version: number; readonly index: number }
}

/** How a place for named channels is made. */
export interface ProcessCommunicationOptions {
  /** By which other processes attach. Default: one that no other has; see {@link ProcessCommunication.name}. */
  readonly name?: string | undefined
  /** The bytes for all that is made in it. Default: 16 MiB. All of it is reserved at once. */
  readonly size?: number | undefined
}

type What = 'queue' | 'pipe' | 'event'

const defaultSize = 16 * 1024 * 1024

/**
 * Queues, pipes and events that processes find by their names, in one segment that they share.
 *
 * One process makes it with {@link ProcessCommunication.create}, others come with {@link ProcessCommunication.attach}; both
 * need the package `@heddle/shared-memory`. Whoever has a segment already gives it to the constructor. It lives as long as one
 * of them has it open.
 *
 * Names of queues, pipes and events do not get in each other's way. Making one that is there opens it, but for a pipe, of which
 * each end is somebody's own.
 */
export class ProcessCommunication {
  readonly #memory: NamedMemory
  readonly #name: string
  readonly #isOwn: boolean

  /**
   * Named channels in a segment that is open in this thread. {@link ProcessCommunication.close} leaves it open.
   *
   * @throws TypeError `ERR_INVALID_ARG`: no segment
   */
  constructor(segment: NamedMemory)
  /** @internal */
  constructor(segment: NamedMemory, isOwn: boolean)
  constructor(segment: NamedMemory, isOwn = false) {
    if (typeof segment?.getOrCreate !== 'function' || typeof segment.get !== 'function')
      throw invalidArgument(`ProcessCommunication needs a Segment of @heddle/shared-memory, not ${describe(segment)}`)
    this.#memory = segment
    this.#name = (segment as { name?: string }).name ?? ''
    this.#isOwn = isOwn
  }

  /**
   * Makes a segment for named channels. It is gone when the last process that has it open has closed it or has ended.
   *
   * @throws Error `ERR_UNSUPPORTED_PLATFORM`: `@heddle/shared-memory` is not installed, or cannot work here
   * @throws what `Segment.create` throws: SegmentError `ERR_SEGMENT_EXISTS`, `ENOSPC`, … for one
   */
  static async create(options?: ProcessCommunicationOptions): Promise<ProcessCommunication> {
    const { name, size = defaultSize } = objectOption(options)
    const { Segment } = await sharedMemory()
    return new ProcessCommunication(Segment.create(name === undefined ? { size } : { name, size }), true)
  }

  /**
   * Opens what another process has made.
   *
   * @throws Error `ERR_UNSUPPORTED_PLATFORM`: as {@link ProcessCommunication.create}
   * @throws what `Segment.open` throws: SegmentError `ERR_SEGMENT_NOT_FOUND` for one
   */
  static async attach(name: string): Promise<ProcessCommunication> {
    const { Segment } = await sharedMemory()
    return new ProcessCommunication(Segment.open(name), true)
  }

  /** By which other processes attach. */
  get name(): string {
    return this.#name
  }

  /**
   * The queue with this name, made if there is none: by one caller only, however many ask at once. Does not block, but while
   * another one makes it.
   *
   * @param options - of a new one; who opens a queue gets it as it is
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: a bad name or bad options, or no room
   * @throws TypeError `ERR_BAD_HANDLE`: under the name stands something else
   * @throws ClosedError `ERR_CLOSED`: it was closed here; CorruptError `ERR_CORRUPT`
   */
  createQueue<T = unknown>(name: string, options?: Omit<ThreadSafeQueueOptions, 'memory'>): ThreadSafeQueue<T> {
    const make = () => new ThreadSafeQueue<T>({ ...objectOption(options), memory: this.#memory })
    return checkKind(ThreadSafeQueue<T>, name, this.#memory.getOrCreate(keyOf('queue', name), make))
  }

  /** The event with this name, made if there is none, as {@link ProcessCommunication.createQueue} makes a queue. */
  createEvent(name: string): ManualResetEvent {
    const make = () => new ManualResetEvent(false, { memory: this.#memory })
    return checkKind(ManualResetEvent, name, this.#memory.getOrCreate(keyOf('event', name), make))
  }

  /**
   * Makes a new pipe. Both ends belong to this thread; {@link ProcessCommunication.openPipe} takes the second one over, and
   * handles take either. Does not block, but while another one makes it.
   *
   * @throws NameError `ERR_NAME_EXISTS`: there is a pipe with this name; otherwise as {@link ProcessCommunication.createQueue}
   */
  createPipe<FirstToSecond = unknown, SecondToFirst = FirstToSecond>(
    name: string,
    options?: Omit<PipeOptions, 'memory' | 'duplex'>,
  ): [first: PipeEnd<FirstToSecond, SecondToFirst>, second: PipeEnd<SecondToFirst, FirstToSecond>] {
    let ends: [PipeEnd<FirstToSecond, SecondToFirst>, PipeEnd<SecondToFirst, FirstToSecond>] | undefined
    this.#memory.getOrCreate(keyOf('pipe', name), () => {
      ends = Pipe.create<FirstToSecond, SecondToFirst>({ ...objectOption(options), memory: this.#memory })
      return new NamedPipe(ends[1].toHandle())
    })
    if (!ends) throw new NameError('ERR_NAME_EXISTS', `there is a pipe named ${JSON.stringify(name)} already`)
    return ends
  }

  /** The queue with this name. Does not block. @throws NameError `ERR_UNKNOWN_NAME`: there is none */
  openQueue<T = unknown>(name: string): ThreadSafeQueue<T> {
    return this.#open('queue', name, ThreadSafeQueue<T>)
  }

  /** The event with this name. Does not block. @throws NameError `ERR_UNKNOWN_NAME`: there is none */
  openEvent(name: string): ManualResetEvent {
    return this.#open('event', name, ManualResetEvent)
  }

  /**
   * The second end of the pipe with this name: it belongs to this thread from now on. Does not block.
   *
   * @throws NameError `ERR_UNKNOWN_NAME`: there is none
   */
  openPipe<Out = unknown, In = Out>(name: string): PipeEnd<Out, In> {
    return this.#open('pipe', name, NamedPipe).openSecond<Out, In>()
  }

  /**
   * Puts a message into the queue with this name, as {@link ThreadSafeQueue.put} does.
   *
   * @throws NameError `ERR_UNKNOWN_NAME`: there is no such queue; nothing was put
   */
  async sendMessage(queueName: string, message: unknown, options?: AcquireOptions): Promise<void> {
    await this.openQueue(queueName).put(message, options)
  }

  /** The same, and blocks as {@link ThreadSafeQueue.putSync} does. */
  sendMessageSync(queueName: string, message: unknown, options?: AcquireSyncOptions): void {
    this.openQueue(queueName).putSync(message, options)
  }

  /**
   * Takes the oldest message of the queue with this name, as {@link ThreadSafeQueue.get} does.
   *
   * @throws NameError `ERR_UNKNOWN_NAME`: there is no such queue
   */
  async receiveMessage<T = unknown>(queueName: string, options?: AcquireOptions): Promise<T> {
    return this.openQueue<T>(queueName).get(options)
  }

  /** The same, and blocks as {@link ThreadSafeQueue.getSync} does. */
  receiveMessageSync<T = unknown>(queueName: string, options?: AcquireSyncOptions): T {
    return this.openQueue<T>(queueName).getSync(options)
  }

  /**
   * Takes the name off a queue, so that it can be given again. Who has the queue keeps it. Does not block.
   *
   * @returns whether there was one
   */
  removeQueue(name: string): boolean {
    return this.#memory.delete(keyOf('queue', name))
  }

  /** The same for a pipe: after the death of the process that had its first end, say. */
  removePipe(name: string): boolean {
    return this.#memory.delete(keyOf('pipe', name))
  }

  /** The same for an event. */
  removeEvent(name: string): boolean {
    return this.#memory.delete(keyOf('event', name))
  }

  /** What there is, by name. Does not block. */
  names(): { queues: string[]; pipes: string[]; events: string[] } {
    const of = (what: What) =>
      this.#memory
        .names()
        .filter((key) => key.startsWith(`${what}/`))
        .map((key) => key.slice(what.length + 1))
    return { queues: of('queue'), pipes: of('pipe'), events: of('event') }
  }

  /**
   * Closes the segment in this process, if `create` or `attach` has opened it: what waits ends with `ERR_CLOSED`. Others go on.
   * Does not block.
   */
  close(): void {
    if (this.#isOwn) this.#memory.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #open<Shared extends NamedObject>(what: What, name: string, kind: Class<Shared>): Shared {
    const found = this.#memory.get(keyOf(what, name))
    if (found) return checkKind(kind, name, found)
    throw new NameError('ERR_UNKNOWN_NAME', `there is no ${what} named ${JSON.stringify(name)}: it was not made yet`)
  }
}

/** What stands under the name of a pipe: looking at it takes nothing from who has its second end. */
class NamedPipe {
  readonly #handle: SharedObjectHandle

  /** @param handle - of the second end */
  constructor(handle: SharedObjectHandle) {
    this.#handle = handle
  }

  openSecond<Out, In>(): PipeEnd<Out, In> {
    return PipeEnd.fromHandle<Out, In>({ ...this.#handle, kind: endKind })
  }

  toHandle(): SharedObjectHandle {
    return { ...this.#handle, kind: namedPipeKind }
  }
}

const endKind = 'ipc-channels/PipeEnd'
const namedPipeKind = 'ipc-channels/NamedPipe'
registerKind(namedPipeKind, { version: 1, fromHandle: (handle: SharedObjectHandle) => new NamedPipe(handle) })

type Class<Shared> = new (...args: never[]) => Shared

/** @throws TypeError `ERR_BAD_HANDLE`: somebody has given the name to something else, by the segment itself */
function checkKind<Shared>(kind: Class<Shared>, name: string, found: unknown): Shared {
  if (found instanceof kind) return found
  throw badHandle(`under the name ${JSON.stringify(name)} stands something else than a ${kind.name}`)
}

function keyOf(what: What, name: string): string {
  if (typeof name !== 'string' || name === '')
    throw invalidArgument(`the name of a ${what} must be a text, not ${describe(name)}`)
  return `${what}/${name}`
}

/** What of `@heddle/shared-memory` is needed; who uses threads alone has it not. */
interface SharedMemoryPackage {
  readonly Segment: {
    create(options: { name?: string; size: number }): NamedMemory
    open(name: string): NamedMemory
  }
}

async function sharedMemory(): Promise<SharedMemoryPackage> {
  const packageName = '@heddle/shared-memory'
  try {
    return (await import(packageName)) as SharedMemoryPackage
  } catch (cause) {
    throw unsupported(`channels between processes need the package ${packageName}: npm install ${packageName}`, {
      cause,
    })
  }
}
