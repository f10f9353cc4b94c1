import { Mutex } from '@heddle/sync-primitives'
import { charged, type Side } from '../../batches.js'
import { Gang } from './gang.js'

export type Contender =
  | { readonly contender: 'heddle'; readonly lock: ReturnType<Mutex['toHandle']> }
  | { readonly contender: 'multithreading' | 'bare'; readonly lock: SharedArrayBuffer }
  | { readonly contender: 'atomics' }

/** What a contending worker finds in its `workerData`. */
export interface Contending {
  readonly contenders: readonly Contender[]
  readonly counter: Int32Array
}

const workers = 2
const LINES = 256

/**
 * Two workers that count up one plain number, each time under the same lock. A lost count is an error. All sides use the same
 * two threads: on which cores these run is chance.
 *
 * @param sizes - by name of the contender, the counts of one batch
 */
export async function contending(sizes: Partial<Record<Contender['contender'], number>>): Promise<Side[]> {
  const names = Object.keys(sizes) as Contender['contender'][]
  const counter = alone()
  const gang = await Gang.start(new URL('./contending-worker.js', import.meta.url), workers, {
    contenders: names.map(newContender),
    counter,
  } satisfies Contending)
  return names.map((name, which) => {
    const each = Math.ceil((sizes[name] as number) / workers)
    return {
      calls: each * workers,
      batch: charged(async () => {
        counter[0] = 0
        gang.begin(each, which)
        await gang.finish()
        if (counter[0] !== each * workers) throw new Error(`${name} lost counts: ${counter[0]} of ${each * workers}`)
      }),
      close: () => gang.close(),
    }
  })
}

function newContender(name: Contender['contender']): Contender {
  if (name === 'heddle') return { contender: name, lock: new Mutex().toHandle() }
  return name === 'atomics' ? { contender: name } : { contender: name, lock: new SharedArrayBuffer(LINES) }
}

/** A word with no neighbour in its cache line: which of the locks shares one with the number is not left to chance. */
function alone(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(LINES), LINES / 2, 1)
}
