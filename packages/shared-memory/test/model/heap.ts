import { checkpoint, load, type Steps, store } from '@heddle/interleave'
import { formatHeap, freeArea, type Heap, heapWords, NO_ROOM, takeArea } from '../../build/segment/heap.js'
import type { ModelRow } from './model-row.ts'
import { within } from './within.ts'

const lineWords = 16
const AREAS = 16

const heapOf = (lines: number): Heap => ({ index: 0, first: AREAS, end: AREAS + lines * lineWords })

function memoryFor(lines: number): number[] {
  const words = new Int32Array(AREAS + lines * lineWords)
  if (heapWords > AREAS) throw new Error('the words of the heap reach into its areas')
  formatHeap(words, heapOf(lines))
  return [...words]
}

/** The model's memory has no bulk store: the first word, on which all depends, is a step of the algorithm itself. */
const clear = () => {}

/** Takes an area, links it, looks whether it is its own still, and frees it or leaves it. */
const user = (lines: number, size: number, frees: boolean, rounds = 1) =>
  function* (participant: number): Steps<string> {
    const heap = heapOf(lines)
    let done = ''
    for (let round = 0; round < rounds; round++) {
      yield checkpoint(['round', round, done])
      const index = yield* within([round, done], takeArea(heap, participant, size, clear))
      if (index === NO_ROOM) {
        done += 'n'
        continue
      }
      if (index < 0) throw new Error(`taking an area came to ${index}`)
      if ((yield load(index)) !== 0) throw new Error('the first word is not zero')
      yield store(index + 1, participant)
      yield checkpoint(['linking', round, done, index])
      yield store(index, 1)
      yield checkpoint(['linked', round, done, index])
      if ((yield load(index + 1)) !== participant) throw new Error('two threads were given one area')
      done += 't'
      if (!frees) continue
      if (
        !(yield* within(
          [round, done, index],
          freeArea(heap, participant, index, () => true, clear),
        ))
      )
        throw new Error('its own area was not freed')
    }
    return done
  }

/** The areas tile the heap, and what is used is linked, or a dead thread's that nobody has needed since. */
const tiled =
  (lines: number) =>
  ({ memory }: { memory: Int32Array }, results: Readonly<Record<string, unknown>>) => {
    const killed = Object.values(results).includes(undefined)
    const { first, end } = heapOf(lines)
    let at = first
    let used = 0
    while (at < end) {
      const head = memory[at] as number
      if (head >>> 1 === 0) return `the area at ${at} has no size`
      if (head & 1) {
        if (memory[at + lineWords] === 0 && !killed) return `the area at ${at} is lost`
        used += 1
      }
      at += (head >>> 1) * lineWords
    }
    if (at !== end) return `the areas end at ${at} instead of ${end}`
    const kept = Object.values(results).join('').split('t').length - 1
    return killed || used <= kept || `${used} areas are used, and ${kept} were taken`
  }

const row = (
  configuration: string,
  lines: number,
  options: Omit<ModelRow['options'], 'memory' | 'final'>,
  quick?: true,
): ModelRow => ({
  algorithm: 'heap',
  configuration,
  options: { memory: memoryFor(lines), final: tiled(lines), maxStates: 4_000_000, slicedWaits: true, ...options },
  ...(quick ? { quick } : {}),
})

export const heapModels: readonly ModelRow[] = [
  row(
    '2 threads take, 1 kill',
    4,
    { threads: { a: user(4, 2, false), b: user(4, 2, false) }, choices: { kills: 1 } },
    true,
  ),
  row(
    '2 threads take and free, 2 kills',
    4,
    { threads: { a: user(4, 2, true), b: user(4, 3, true) }, choices: { kills: 2 } },
    true,
  ),
  row('2 threads take and free twice, 1 kill', 4, {
    threads: { a: user(4, 2, true, 2), b: user(4, 3, true, 2) },
    choices: { kills: 1 },
  }),
  row('3 threads and room for 2, 1 kill', 4, {
    threads: { a: user(4, 2, true), b: user(4, 2, false), c: user(4, 2, false) },
    choices: { kills: 1 },
  }),
]
