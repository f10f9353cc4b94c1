// A process that damages queues, pipes and topics of its own, some words or bytes at a time, and uses them: only typed errors or
// answers may come.
//
// argv: first case, end, seed, file. The file always has the case that runs, for whoever has to say which one never ended.
import { openSync, writeSync } from 'node:fs'
import { Segment } from '@heddle/shared-memory'
import { ThreadMemory } from '@heddle/sync-primitives'
import { statesOf } from './mutations-states.mjs'
import { randomOf } from './random.mjs'

const [first, end, seed] = process.argv.slice(2, 5).map(Number)
const file = openSync(process.argv[5], 'w')
const send = (message) => new Promise((resolve) => process.send(message, resolve))

/** The codes that our errors have. Anything else, an engine's own RangeError say, is a defect. */
const codes = new Set([
  'ERR_BAD_HANDLE',
  'ERR_CLOSED',
  'ERR_CORRUPT',
  'ERR_INTERNAL',
  'ERR_INVALID_ARG',
  'ERR_NOT_OWNER',
  'ERR_OUT_OF_RANGE',
  'ERR_OVER_RELEASE',
  'ERR_PEER_GONE',
  'ERR_TIMEOUT',
])
/** What all garbage before it is collected may take. */
const mostBytes = 200 << 20
/** The largest buffer or array of numbers that one call may make: all that is here is smaller. */
const mostAtOnce = 1 << 20
const mostMs = 2_000

let largest = 0
for (const name of ['ArrayBuffer', 'Int32Array', 'Uint8Array'])
  globalThis[name] = new Proxy(globalThis[name], {
    construct(Class, args, target) {
      if (typeof args[0] === 'number') largest = Math.max(largest, args[0])
      return Reflect.construct(Class, args, target === globalThis[name] ? Class : target)
    },
  })

const states = [
  ThreadMemory.create({ bytes: 1 << 18, participants: 4 }),
  Segment.create({ size: 1 << 18, participants: 4 }),
].flatMap(statesOf)

/** Of each memory the words of all of its objects, and what is between them. */
const wholeOf = new Map(
  states.map(({ memory }) => {
    const own = states.filter((state) => state.memory === memory)
    const from = Math.min(...own.map(({ index }) => index)) - 16
    const end = Math.max(...own.map(({ index, whole }) => index + whole.length))
    // Those that were made first may have been changed while others were.
    for (const { index, whole } of own) memory.words.set(whole, index)
    return [memory, { from, image: memory.words.slice(from, end) }]
  }),
)

function damage({ memory, index, regions }, random) {
  const { words } = memory
  const bytes = new Uint8Array(words.buffer, words.byteOffset)
  const changes = []
  const total = regions.reduce((sum, [, , weight]) => sum + weight, 0)
  for (let n = 0, many = 1 + random(6); n < many; n++) {
    let pick = random(total)
    const [from, to] = regions.find(([, , weight]) => {
      pick -= weight
      return pick < 0
    })
    const word = from + random(to - from)
    const at = index + word
    const before = words[at]
    if (random(3) === 0) bytes[at * 4 + random(4)] = random(256)
    else words[at] = otherThan(before, words[index + random(64)], random)
    changes.push([word, before, words[at]])
  }
  return changes
}

function otherThan(before, neighbour, random) {
  const near = [0, 1, -1, before + 1, before - 1, before ^ (1 << random(32)), neighbour, random(64)]
  const far = [random(2 ** 32) | 0, 2 ** 31 - 1, -(2 ** 31)]
  const values = [...near, ...far]
  return values[random(values.length)]
}

const outcomes = {}

/** @returns what the call gave; undefined: an error */
async function outcomeOf(name, call, about) {
  const begun = performance.now()
  largest = 0
  let answer
  try {
    answer = { value: await call() }
    outcomes.answers = (outcomes.answers ?? 0) + 1
  } catch (error) {
    if (!codes.has(error?.code)) await send({ wrong: `${name}: ${error?.stack ?? error}`, ...about })
    outcomes[error?.code] = (outcomes[error?.code] ?? 0) + 1
  }
  if (largest > mostAtOnce) await send({ wrong: `${name}: makes room for ${largest}`, ...about })
  const took = performance.now() - begun
  if (took > mostMs) await send({ wrong: `${name}: took ${took.toFixed(0)} ms`, ...about })
  return answer
}

async function runCase(number) {
  // Each case by its number alone: it can be run again without those before it.
  const random = randomOf(seed + number * 7_919)
  const state = states[random(states.length)]
  const { memory, index, whole, uses, names } = state
  const opensDamaged = random(3) === 0
  let object = opensDamaged ? undefined : { value: state.open(false) }
  const changes = damage(state, random)
  const calls = Array.from({ length: 3 + random(4) }, () => names[random(names.length)])
  const about = { number, state: states.indexOf(state), opensDamaged, changes, calls }
  writeSync(file, `${JSON.stringify(about)}${' '.repeat(300)}\n`, 0)
  object ??= await outcomeOf('open', () => state.open(true), about)
  if (object) for (const name of calls) await outcomeOf(name, () => uses[name](object.value), about)
  memory.words.set(whole, index)
  const word = firstDifference(wholeOf.get(memory), memory)
  if (word < 0) return
  memory.words.set(wholeOf.get(memory).image, wholeOf.get(memory).from)
  await send({ wrong: `wrote to a word that is not its own: ${word - index} from its tag on`, ...about })
}

/** The first word that is not as it was; -1: all are. */
function firstDifference({ from, image }, { words }) {
  for (let word = 0; word < image.length; word++) if (words[from + word] !== image[word]) return from + word
  return -1
}

const maxRss = () => process.resourceUsage().maxRSS * 1_024
const before = maxRss()
for (let number = first; number < end; number++) {
  await runCase(number)
  if (number % 100 > 0 || maxRss() - before <= mostBytes) continue
  await send({ wrong: `${(maxRss() - before) >> 20} MiB were taken`, number })
  break
}
await send({ outcomes, isDone: true })
process.disconnect()
