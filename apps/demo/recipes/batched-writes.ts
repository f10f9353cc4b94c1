import { AsyncBatchProcessor } from '@heddle/async-patterns'

// A table that takes many rows at a time for the price of one, and knows no price below 0.
const statements: number[] = []
async function insert(rows: readonly { readonly name: string; readonly price: number }[]) {
  statements.push(rows.length)
  return rows.map(({ name, price }, row) =>
    price < 0 ? new RangeError(`${name} costs less than nothing`) : `${name} is row ${row} of ${rows.length}`,
  )
}

// A batch goes out when it has three rows, or 10 ms after its first one.
await using table = new AsyncBatchProcessor<{ name: string; price: number }, string>({
  batchSize: 3,
  flushInterval: 10,
  process: insert,
})

// Each caller awaits its own row, and gets its own result or its own error.
const prices: [string, number][] = [
  ['oak', 3],
  ['elm', -1],
  ['ash', 2],
  ['fir', 5],
]
const outcomes = await Promise.allSettled(prices.map(([name, price]) => table.add({ name, price })))
for (const outcome of outcomes)
  console.log(outcome.status === 'fulfilled' ? outcome.value : `refused: ${outcome.reason.message}`)
console.log(`rows of each statement: ${statements.join(' and ')}`)
