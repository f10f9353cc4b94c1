import { type Cluster, ClusterDict, type LocalServer } from '@heddle/cluster-pool'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { connect, engines, startServer } from './support/servers.js'

/** What a dict has to be: a Map, and the rules of versions and fences. */
class Model {
  readonly entries = new Map<string, { value: unknown; version: bigint }>()
  readonly fences = new Map<string, bigint>()
  version = 0n

  write(key: string, value: unknown): bigint {
    this.version += 1n
    this.entries.set(key, { value, version: this.version })
    return this.version
  }

  fits(key: string, ifVersion: bigint | 'absent' | undefined, fence: bigint | undefined): boolean {
    const known = this.entries.get(key)?.version
    if (ifVersion !== undefined && ifVersion !== (known ?? 'absent')) return false
    if (fence === undefined) return true
    if (fence < (this.fences.get(key) ?? 0n)) return false
    this.fences.set(key, fence)
    return true
  }
}

const keys = fc.constantFrom('a', 'b', 'A', '\u{1F9F5}', 'ä', 'a b')
const values = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -20, max: 20 }) },
  fc.maxSafeInteger(),
  fc.double(),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(undefined, null, true, 3n),
  fc.uint8Array({ minLength: 1, maxLength: 40 }),
  fc.array(fc.record({ n: fc.integer(), s: fc.string() }), { maxLength: 3 }),
)
/** Which version a write asks for, of what the model knows. */
const conditions = fc.constantFrom('any', 'absent', 'right', 'old', 'next')
const fences = fc.option(fc.bigInt({ min: 0n, max: 12n }), { nil: undefined, freq: 2 })

const step = fc.oneof(
  fc.record({ what: fc.constant('set' as const), key: keys, value: values, condition: conditions, fence: fences }),
  fc.record({ what: fc.constant('delete' as const), key: keys, condition: conditions, fence: fences }),
  fc.record({ what: fc.constant('add' as const), key: keys, amount: fc.oneof(fc.integer(), fc.maxSafeInteger()) }),
  fc.record({ what: fc.constant('update' as const), key: keys, value: values }),
  fc.record({ what: fc.constant('look' as const), key: keys }),
  { weight: 1, arbitrary: fc.record({ what: fc.constant('clear' as const) }) },
)
type Step = typeof step extends fc.Arbitrary<infer Item> ? Item : never

function versionOf(model: Model, key: string, condition: string): bigint | 'absent' | undefined {
  const known = model.entries.get(key)?.version
  if (condition === 'any') return undefined
  if (condition === 'absent' || known === undefined) return 'absent'
  return condition === 'right' ? known : condition === 'old' ? known - 1n : model.version + 1n
}

/** What the dict is asked for, and what the model says to it. An error is its code. */
interface Call {
  readonly real: () => Promise<unknown>
  readonly expected: unknown
}

const nothing: Call = { real: () => Promise.resolve(), expected: undefined }

function callOf(dict: ClusterDict, model: Model, step: Step): Call {
  switch (step.what) {
    case 'set': {
      const { key, value, condition, fence } = step
      const ifVersion = versionOf(model, key, condition)
      const expected = model.fits(key, ifVersion, fence) ? model.write(key, value) : undefined
      return { real: () => dict.set(key, value, { ifVersion, fence }), expected }
    }
    case 'delete': {
      const { key, condition, fence } = step
      const ifVersion = versionOf(model, key, condition)
      // Nothing that a delete can ask for.
      if (ifVersion === 'absent') return nothing
      const expected = model.fits(key, ifVersion, fence) && model.entries.delete(key)
      if (expected) model.version += 1n
      return { real: () => dict.delete(key, { ifVersion, fence }), expected }
    }
    case 'add': {
      const { key, amount } = step
      const known = model.entries.get(key)
      const before = known ? known.value : 0
      const real = () => dict.add(key, amount)
      if (!Number.isSafeInteger(before)) return { real, expected: 'ERR_INVALID_ARG' }
      const sum = (before as number) + amount + 0
      if (!Number.isSafeInteger(sum)) return { real, expected: 'ERR_OUT_OF_RANGE' }
      model.write(key, sum)
      return { real, expected: sum }
    }
    case 'update': {
      const { key, value } = step
      const before = model.entries.get(key)?.value
      model.write(key, value)
      const real = async () => {
        const seen: unknown[] = []
        const push = (found: unknown) => {
          seen.push(found)
          return value
        }
        return [await dict.update(key, push), seen]
      }
      return { real, expected: [value, [before]] }
    }
    case 'look': {
      const { key } = step
      const entry = model.entries.get(key)
      const real = () => Promise.all([dict.get(key), dict.getEntry(key), dict.has(key)])
      return { real, expected: [entry?.value, entry, entry !== undefined] }
    }
    case 'clear':
      model.entries.clear()
      model.version += 1n
      return { real: () => dict.clear(), expected: undefined }
  }
}

const codeOf = (error: unknown) => (error as { readonly code?: string }).code ?? error

describe.each(engines)('a dict on %s is a Map', (engine) => {
  let server: LocalServer
  let cluster: Cluster

  beforeAll(async () => {
    server = await startServer(engine)
  }, 60_000)
  afterAll(() => server.stop())
  beforeEach(async () => {
    cluster = await connect(server)
  })
  afterEach(() => cluster.close())

  test('whatever is done to it, one after the other', async () => {
    let run = 0
    const property = fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      run += 1
      const dict = new ClusterDict(cluster, `run ${run}`)
      const model = new Model()
      for (const each of steps) {
        const { real, expected } = callOf(dict, model, each)
        expect(await real().catch(codeOf)).toEqual(expected)
      }
      const inOrder = [...model.entries.keys()].sort((one, two) => Buffer.compare(Buffer.from(one), Buffer.from(two)))
      const entries: [string, unknown][] = []
      for await (const entry of dict) entries.push(entry)
      expect(entries).toEqual(inOrder.map((key) => [key, model.entries.get(key)?.value]))
      expect(await dict.size()).toBe(model.entries.size)
    })
    await fc.assert(property, { numRuns: 150 })
  }, 60_000)
})
