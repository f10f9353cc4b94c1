import { SharedDict } from '@heddle/shared-memory'
import { charged } from '../../batches.js'
import type { Batches } from '../../duels/batched.js'
import { loadPeer } from '../sync/load.js'
import { newSegment } from './segment.js'

type Value = string | number

interface MapLike {
  get(key: string): Value | undefined
  set(key: string, value: Value): unknown
}

/** Of the package sharedmap, whose own declarations do not compile. */
interface SharedMapClass {
  new (maxSize: number, keySize: number, valueSize: number): MapLike
}

const count = 1000
const segmentBytes = 1 << 22
/** Both in UTF-16 units; and twice the room for the keys, since its chains grow long when it is full. */
const sharedMapSizes = [2 * count, 16, 16] as const

const keys = Array.from({ length: count }, (_, n) => `key-${n}`)
const strings = keys.map((_, n) => `value-${n}`)
/** Every other one is a number. */
const mixed = keys.map((_, n) => (n % 2 === 0 ? n : `value-${n}`))

/** A dict in a segment. */
export function dictInSegment(how: 'get' | 'set'): Batches {
  const memory = newSegment(segmentBytes)
  const dict = fill(new SharedDict<Value>({ memory }), mixed)
  return { batch: charged(how === 'get' ? getting(dict, mixed) : setting(dict, mixed)), close: () => memory.close() }
}

/** A dict in memory of its own that threads share; strings only, as its rival has them. */
export function dictOfThreads(): Batches {
  return { batch: charged(getting(fill(new SharedDict<Value>(), strings), strings)) }
}

/** The package sharedmap, with strings. */
export async function sharedMap(): Promise<Batches & { version: string }> {
  const {
    module: { default: SharedMap },
    version,
  } = await loadPeer('sharedmap', async () => {
    // A variable, for the compiler reads its declarations otherwise.
    const name: string = 'sharedmap'
    return (await import(name)) as { default: SharedMapClass }
  })
  return { version, batch: charged(gettingOther(fill(new SharedMap(...sharedMapSizes), strings), strings)) }
}

/** A Map, which nobody shares and nothing is copied out of. */
export async function plainMap(): Promise<Batches & { version: string }> {
  return { version: process.version, batch: charged(gettingOther(fill(new Map<string, Value>(), mixed), mixed)) }
}

function fill<Kind extends MapLike>(map: Kind, values: readonly Value[]): Kind {
  for (const [n, key] of keys.entries()) map.set(key, values[n] as Value)
  return map
}

function getting(map: MapLike, values: readonly Value[]) {
  let n = 0
  return (calls: number) => {
    for (let call = 0; call < calls; call++) {
      if (map.get(keys[n] as string) !== values[n]) throw new Error(`another value of ${keys[n]}`)
      n = n + 1 === count ? 0 : n + 1
    }
  }
}

// A function of its own, so that each loop is compiled for its own contender.
function gettingOther(map: MapLike, values: readonly Value[]) {
  let n = 0
  return (calls: number) => {
    for (let call = 0; call < calls; call++) {
      if (map.get(keys[n] as string) !== values[n]) throw new Error(`another value of ${keys[n]}`)
      n = n + 1 === count ? 0 : n + 1
    }
  }
}

/** Each key gets another value each time, but one of the same type. */
function setting(map: MapLike, values: readonly Value[]) {
  let n = 0
  let shift = 0
  return (calls: number) => {
    for (let call = 0; call < calls; call++) {
      map.set(keys[n] as string, values[(n + shift) % count] as Value)
      n = n + 1 === count ? 0 : n + 1
    }
    shift += 2
  }
}
