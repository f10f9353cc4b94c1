import { ProcessPoolManager } from '@heddle/process-pool'
import { SharedMemoryManager } from '@heddle/shared-memory'
import { Barrier } from '@heddle/sync-primitives'
import { failureCode } from '../failure-code.js'
import type { Pattern } from '../pattern.js'
import { useSharedMemory } from './shared-tasks.js'

const workers = 3
const times = 1_000

/** Processes find arrays, a value, a dict and a list by their names, and write to them all at once. */
export const sharedMemoryManager: Pattern = {
  name: 'shared-memory-manager',
  title: 'SharedMemoryManager',
  kind: 'class',
  packages: ['@heddle/shared-memory', '@heddle/sync-primitives', '@heddle/process-pool'],
  mends:
    'its dict is in a server process, where `d[k] += 1` of two processes loses counts: here the dict is in the memory itself, and `update` is one step',
  needs: 'process memory',
  async run({ print, signal }) {
    using memory = new SharedMemoryManager({ size: 1 << 20 })
    const squares = memory.createSharedArray('squares', workers, 'i')
    const roots = memory.createSharedArray('roots', workers, 'd')
    const letters = memory.createSharedArray('letters', workers, 'c')
    const visits = memory.createSharedValue('visits', 0)
    const dict = memory.getSharedDict<number>()
    const list = memory.getSharedList<string>()
    const refused = [
      await failureCode(signal, () => memory.createSharedArray('texts', workers, 'u' as string as 'i')),
      await failureCode(signal, () => memory.createSharedArray('squares', workers, 'i')),
    ]

    await using pool = new ProcessPoolManager({ maxWorkers: workers })
    const all = new Barrier(workers, { memory: memory.segment })
    const ids = Array.from({ length: workers }, (_, id) => id)
    const pids = await Promise.all(
      ids.map((id) => pool.run(useSharedMemory, [memory.name, id, times, all], { signal })),
    )
    const word = String.fromCharCode(...letters)
    print(`int32 array: [${[...squares].join(', ')}]`)
    print(`float64 array: [${[...roots].map((root) => root.toFixed(3)).join(', ')}]`)
    print(`byte array: ${word}`)
    print(`value: ${visits.value}, dict: ${dict.get('visits')}, list: ${list.length} entries`)

    let visited = 0
    const entries: [string, number][] = []
    for (const id of ids) {
      for (let time = 0; time < times; time++) visited += 1
      entries.push([`worker ${id}`, id])
    }
    return [
      {
        what: 'the arrays of integers, floats and bytes',
        actual: [[...squares], [...roots], word],
        expected: [ids.map((id) => id * id), ids.map(Math.sqrt), 'web'],
      },
      {
        what: 'the counts in the value and the dict',
        actual: [visits.value, dict.get('visits')],
        expected: [visited, visited],
      },
      {
        what: 'the entries of the dict',
        actual: new Map(dict),
        expected: new Map<unknown, number>([['visits', visited], ...entries]),
      },
      {
        what: 'the list',
        actual: list.toArray().toSorted(),
        expected: entries.map(([worker]) => `${worker} was here`),
      },
      {
        what: 'an unsupported type, and a name that is taken',
        actual: refused,
        expected: ['ERR_INVALID_ARG', 'ERR_SEGMENT_EXISTS'],
      },
      { what: 'how many processes', actual: new Set([...pids, process.pid]).size, expected: workers + 1 },
    ]
  },
}
