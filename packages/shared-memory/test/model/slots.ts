import { checkpoint, isDead, load, type Steps } from '@heddle/interleave'
import {
  ALIVE,
  ENDED,
  FREE,
  JOINING,
  markEnded,
  NATIVE_ID,
  STATE,
  slotAt,
  slotGeneration,
  stateOf,
  type Taken,
  takeSlot,
  wordsPerSlot,
} from '../../build/segment/slots.js'
import type { ModelRow } from './model-row.ts'
import { within } from './within.ts'

const TABLE = 0

/** In the model a thread's native id is its participant number of the checker. */
const joinerOf = (slots: number, nativeId: number) => ({
  table: TABLE,
  slots,
  nativeId,
  identity: new Map([[NATIVE_ID, nativeId]]),
})

function* join(slots: number, nativeId: number): Steps<Taken | undefined> {
  const joiner = joinerOf(slots, nativeId)
  for (const wanted of [ENDED, FREE]) {
    yield checkpoint(['join', wanted])
    const taken = yield* within(
      ['join', wanted],
      takeSlot(joiner, wanted, () => true),
    )
    if (taken) return taken
  }
  for (let slot = 1; slot <= slots; slot++) {
    yield checkpoint(['probe', slot])
    const seen = yield load(slotAt(TABLE, slot) + STATE)
    if (stateOf(seen) !== ALIVE) continue
    if (yield isDead(yield load(slotAt(TABLE, slot) + NATIVE_ID))) yield* markEnded(TABLE, slot, seen)
  }
  for (const wanted of [ENDED, JOINING]) {
    yield checkpoint(['again', wanted])
    const taken = yield* within(
      ['again', wanted],
      takeSlot(joiner, wanted, () => true),
    )
    if (taken) return taken
  }
  return undefined
}

/** Joins, looks whether the slot is its own, and leaves or not. */
const user = (slots: number, leaves: boolean) =>
  function* (nativeId: number): Steps<string> {
    const taken = yield* join(slots, nativeId)
    if (!taken) return 'full'
    const { slot, generation } = taken
    const at = slotAt(TABLE, slot)
    for (const moment of ['joined', 'later']) {
      yield checkpoint([moment, slot, generation])
      const state = yield load(at + STATE)
      if (stateOf(state) !== ALIVE || slotGeneration(state) !== generation)
        throw new Error('a living thread lost its slot')
      if ((yield load(at + NATIVE_ID)) !== nativeId) throw new Error('two living threads have one slot')
    }
    if (leaves) yield* markEnded(TABLE, slot, (generation << 2) | ALIVE)
    return `${slot}:${generation}`
  }

/** Nobody was given the same number, and the table remembers how far it was used. */
const distinct = ({ memory }: { memory: Int32Array }, results: Readonly<Record<string, unknown>>) => {
  const taken = Object.values(results).filter(
    (result): result is string => typeof result === 'string' && result !== 'full',
  )
  if (new Set(taken).size !== taken.length) return `one participant was given out twice: ${taken.join(' ')}`
  const highest = memory[TABLE + STATE] as number
  return taken.every((each) => Number(each.split(':')[0]) <= highest) || 'a slot is above the highest'
}

const row = (
  configuration: string,
  slots: number,
  options: Omit<ModelRow['options'], 'memory' | 'final'>,
  quick?: true,
): ModelRow => ({
  algorithm: 'participant slots',
  configuration,
  options: {
    memory: Array.from({ length: (slots + 1) * wordsPerSlot }, () => 0),
    final: distinct,
    maxStates: 4_000_000,
    ...options,
  },
  ...(quick ? { quick } : {}),
})

export const slotModels: readonly ModelRow[] = [
  row(
    '2 threads, 2 slots, 1 kill',
    2,
    { threads: { a: user(2, true), b: user(2, false) }, choices: { kills: 1 } },
    true,
  ),
  row(
    '2 threads, 1 slot, 2 kills',
    1,
    { threads: { a: user(1, true), b: user(1, false) }, choices: { kills: 2 } },
    true,
  ),
  row('3 threads, 1 slot, 1 kill', 1, {
    threads: { a: user(1, true), b: user(1, false), c: user(1, false) },
    choices: { kills: 1 },
  }),
  row('3 threads, 2 slots, 2 kills', 2, {
    threads: { a: user(2, true), b: user(2, false), c: user(2, true) },
    choices: { kills: 2 },
  }),
]
