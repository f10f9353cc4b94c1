import { SharedDict } from '@heddle/shared-memory'
import { describe, expect, test } from '@jest/globals'
import { CrashMemory } from './support/crash.js'

const texts = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(40))
const [a, b, c, d] = texts as [string, string, string, string]

interface Race {
  readonly name: string
  /** What another one does in the midst of a read of `key`, which is `a` or `b` before. */
  readonly other: (dict: SharedDict<string>) => void
  readonly after: string | undefined
}

const races: Race[] = [
  { name: 'one overwriting', other: (dict) => dict.set('key', c), after: c },
  { name: 'two overwritings', other: (dict) => dict.set('key', c).set('key', d), after: d },
  { name: 'three overwritings', other: (dict) => dict.set('key', c).set('key', d).set('key', c), after: c },
  { name: 'a deletion', other: (dict) => dict.delete('key'), after: undefined },
  {
    name: 'a deletion, and others in the place',
    other: (dict) => {
      dict.delete('key')
      for (let n = 0; n < 10; n++) dict.set(`other ${n}`, d)
    },
    after: undefined,
  },
  {
    name: 'a table that grows',
    other: (dict) => {
      for (let n = 0; n < 40; n++) dict.set(`other ${n}`, d)
    },
    after: b,
  },
  { name: 'clear', other: (dict) => dict.clear(), after: undefined },
]

describe.each(races)('$name in the midst of a read, before any of its loads', ({ other, after }) => {
  function prepare() {
    const memory = new CrashMemory(16_384)
    const writer = new SharedDict<string>({ memory: memory.memory as never })
    writer.set('first', a).set('key', a).set('key', b).set('last', a)
    const { index } = writer.toHandle()
    const changed = memory.copy()
    other(changed.heirOf<string>(index))
    return { base: memory, changed, index }
  }

  test('get, has and iteration tell of the time before it or after it', () => {
    const { base, changed, index } = prepare()
    const seen = new Set<unknown>()
    const reads: ((dict: SharedDict<string>) => unknown)[] = [
      (dict) => dict.get('key'),
      (dict) => (dict.has('key') ? 'there' : undefined),
      (dict) => [...dict].find(([key]) => key === 'key')?.[1],
    ]
    for (const read of reads)
      for (let loads = 0, isThrough = false; !isThrough; loads++) {
        const memory = base.copy()
        const outcome = memory.interrupted<string, unknown>(index, loads, changed, read)
        isThrough = outcome.isThrough
        seen.add(outcome.result)
      }
    const possible = [b, after, 'there', undefined]
    expect([...seen].filter((result) => !possible.includes(result as string))).toEqual([])
    expect(seen).toContain(b)
  })
})
