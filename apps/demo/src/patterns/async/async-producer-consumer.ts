import { addAbortListener } from 'node:events'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { AsyncProducerConsumer } from '@heddle/async-patterns'
import type { Pattern } from '../pattern.js'
import { readmes } from './readmes.js'

/** Files are read by producers and counted by consumers; then a system is stopped in the middle. */
export const asyncProducerConsumer: Pattern = {
  name: 'async-producer-consumer',
  title: 'AsyncProducerConsumer',
  kind: 'class',
  packages: ['@heddle/async-patterns'],
  mends:
    '`stop` cancels everybody, and what is queued or in hand is lost: here it is consumed first, or handed back in a report that adds up',
  async run({ print, signal }) {
    const files = readmes()
    const counts = { lines: 0, words: 0 }
    const reading = new AsyncProducerConsumer<string>({ queueSize: 8 })
    for (const file of files) reading.addProducer(linesOf, file)
    for (let consumer = 0; consumer < 3; consumer++) reading.addConsumer(count, counts)

    // Its producers are generators, which end: so does the system, by itself, and it can be started again.
    const read = await untilEnded(reading, signal)
    const readAgain = await untilEnded(reading, signal)
    print(`read twice: ${counts.lines} lines, ${counts.words} words`)

    const made: number[] = []
    const consumed: number[] = []
    const endless = new AsyncProducerConsumer<number>({ queueSize: 8 })
    endless.addProducer(numbers, made)
    endless.addConsumer(async (number) => {
      await nextTurn()
      consumed.push(number)
      if (consumed.length === 50) void endless.stop({ drain: false })
    })
    const stopped = await untilEnded(endless, signal)
    print(`stopped at once: ${stopped.consumed} consumed, ${stopped.undelivered.length} handed back`)

    const expected = { lines: 0, words: 0 }
    for (const file of files) for (const line of readFileSync(file, 'utf8').split('\n')) count(line, expected)
    const { lines, words } = expected
    return [
      { what: 'what was counted', actual: counts, expected: { lines: 2 * lines, words: 2 * words } },
      {
        what: 'what was produced and consumed',
        actual: [read, readAgain].map(({ produced, consumed }) => [produced, consumed]),
        expected: [
          [lines, lines],
          [lines, lines],
        ],
      },
      {
        what: 'each number that was produced is consumed or handed back, once',
        actual: [...consumed, ...stopped.undelivered].sort((one, other) => one - other),
        expected: made,
      },
      { what: 'what the report says was produced', actual: stopped.produced, expected: made.length },
      { what: 'nothing is consumed after the stop', actual: [consumed.length, stopped.consumed], expected: [50, 50] },
    ]
  },
}

/** Starts a system, and resolves when it has ended; an abort stops it. */
async function untilEnded<T>(system: AsyncProducerConsumer<T>, signal: AbortSignal) {
  signal.throwIfAborted()
  using _ = addAbortListener(signal, () => void system.stop({ drain: false }))
  return await system.start()
}

async function* linesOf(file: URL): AsyncGenerator<string, void, undefined> {
  for (const line of (await readFile(file, 'utf8')).split('\n')) yield line
}

/** Numbers without an end; which of them were asked for is in `made`. */
function* numbers(made: number[]): Generator<number, void, undefined> {
  for (let number = 0; ; number++) {
    made.push(number)
    yield number
  }
}

function count(line: string, counts: { lines: number; words: number }): void {
  counts.lines += 1
  counts.words += line.match(/\w+/g)?.length ?? 0
}
