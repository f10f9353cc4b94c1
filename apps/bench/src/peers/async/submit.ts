import { loadPeer } from '../sync/load.js'
import { newManager } from './heddle.js'

/** Hands in one task, which answers with the item and one more. Nothing bounds how many wait. */
export type Submit = (item: number) => Promise<number>

export interface Submitter {
  readonly version: string
  readonly submit: Submit
}

export const concurrency = 10

/** The task of all of them: next to nothing, so that what is left is what the limiter costs. */
export const addOne = async (item: number): Promise<number> => item + 1

export function heddle(): Submit {
  const manager = newManager(concurrency)
  return (item) => manager.run(addOne, [item])
}

export async function pLimit(): Promise<Submitter> {
  const { module, version } = await loadPeer('p-limit', () => import('p-limit'))
  const limit = module.default(concurrency)
  return { version, submit: (item) => limit(addOne, item) }
}

export async function pQueue(): Promise<Submitter> {
  const { module, version } = await loadPeer('p-queue', () => import('p-queue'))
  const queue = new module.default({ concurrency })
  return { version, submit: (item) => queue.add(() => addOne(item)) }
}

export async function fastq(): Promise<Submitter> {
  const { module, version } = await loadPeer('fastq', () => import('fastq'))
  const queue = module.default.promise(addOne, concurrency)
  return { version, submit: (item) => queue.push(item) }
}

/** A semaphore around the task, as its users write it. Its queue has room for `most` from the start. */
export async function asyncSema(most: number): Promise<Submitter> {
  const {
    module: { Sema },
    version,
  } = await loadPeer('async-sema', () => import('async-sema'))
  const semaphore = new Sema(concurrency, { capacity: most })
  return {
    version,
    submit: async (item) => {
      await semaphore.acquire()
      try {
        return await addOne(item)
      } finally {
        semaphore.release()
      }
    },
  }
}

export async function cockatiel(): Promise<Submitter> {
  const {
    module: { bulkhead },
    version,
  } = await loadPeer('cockatiel', () => import('cockatiel'))
  const policy = bulkhead(concurrency, Number.POSITIVE_INFINITY)
  return { version, submit: (item) => policy.execute(() => addOne(item)) }
}

export async function bottleneck(): Promise<Submitter> {
  const { module, version } = await loadPeer('bottleneck', () => import('bottleneck'))
  const limiter = new module.default({ maxConcurrent: concurrency })
  return { version, submit: (item) => limiter.schedule(addOne, item) }
}

export async function asyncQueue(): Promise<Submitter> {
  const { module, version } = await loadPeer('async', () => import('async'))
  // Its types know workers that take a callback only; it looks at the function itself, and an async one may do without.
  const worker = addOne as unknown as Parameters<typeof module.queue<number, number>>[0]
  const queue = module.queue(worker, concurrency)
  return { version, submit: (item) => queue.push<number>(item) }
}

/** No limit at all: the promises alone. */
export function unlimited(): Submitter {
  return { version: process.version, submit: addOne }
}

/** The least that a limiter of promises can be: a promise and a node of a list for each task; no signal, context or close. */
export function bareList(): Submitter {
  interface Node {
    readonly item: number
    readonly resolve: (result: number) => void
    readonly reject: (error: unknown) => void
    next: Node | undefined
  }
  let head: Node | undefined
  let tail: Node | undefined
  let running = 0

  function start({ item, resolve, reject }: Node): void {
    addOne(item).then(
      (result) => {
        resolve(result)
        goOn()
      },
      (error: unknown) => {
        reject(error)
        goOn()
      },
    )
  }

  function goOn(): void {
    const next = head
    if (next === undefined) running -= 1
    else {
      head = next.next
      if (head === undefined) tail = undefined
      start(next)
    }
  }

  return {
    version: process.version,
    submit: (item) =>
      new Promise((resolve, reject) => {
        const node = { item, resolve, reject, next: undefined }
        if (running < concurrency) {
          running += 1
          start(node)
        } else {
          if (tail === undefined) head = node
          else tail.next = node
          tail = node
        }
      }),
  }
}
