import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AsyncBatchProcessor } from '@heddle/async-patterns'
import type { Pattern, Stage } from '../pattern.js'

const items = ['one', 'two', 'three', 'four', 'five', 'six', 'seven']
const batchSize = 3

/** The document has its users override a method: these batches are written to a file, each at once. */
class FileBatches extends AsyncBatchProcessor<string> {
  readonly #file: string
  readonly #print: Stage['print']

  constructor(file: string, print: Stage['print']) {
    super({ batchSize, flushInterval: 20 })
    this.#file = file
    this.#print = print
  }

  protected override async processBatch(batch: readonly string[]): Promise<void> {
    this.#print(`Processing batch of ${batch.length} items`)
    await appendFile(this.#file, `${batch.join(' ')}\n`)
  }
}

/** Items are written in batches: two are full, and the last one's time is over. */
export const asyncBatchProcessor: Pattern = {
  name: 'async-batch-processor',
  title: 'AsyncBatchProcessor',
  kind: 'class',
  packages: ['@heddle/async-patterns'],
  mends:
    '`flush_interval` is looked at only when another item comes, so the last items are never processed: here a timer ends the batch',
  async run({ print, signal }) {
    const folder = await mkdtemp(join(tmpdir(), 'heddle-batches-'))
    try {
      const file = join(folder, 'batches')
      await using batches = new FileBatches(file, print)
      // Each is acknowledged when its batch is written. Nobody asks for a flush.
      await Promise.all(items.map((item) => batches.addItem(item, { signal })))
      const written = await readFile(file, 'utf8')
      const { cutBySize, cutByTimer, cutByFlush } = batches.stats()

      let expected = ''
      for (let from = 0; from < items.length; from += batchSize)
        expected += `${items.slice(from, from + batchSize).join(' ')}\n`
      const full = Math.floor(items.length / batchSize)
      return [
        { what: 'what was written when all were acknowledged', actual: written, expected },
        {
          what: 'the full batches, and the one whose time was over',
          actual: [cutBySize, cutByTimer, cutByFlush],
          expected: [full, 1, 0],
        },
      ]
    } finally {
      await rm(folder, { recursive: true })
    }
  },
}
