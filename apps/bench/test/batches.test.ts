import { charged, portions, runBatches, type Side } from '@heddle/bench/batches.js'
import { expect, test } from '@jest/globals'

const sizes = { rounds: 1 }

test('two sides run in turn, who begins changes with each batch, and the first two rounds are not counted', async () => {
  const order: string[] = []
  const side = (name: string, calls: number, cost: number): Side => ({
    calls,
    batch: async (count) => {
      order.push(name)
      return { cpu: cost * count, wall: 2 * cost * count }
    },
    close: () => order.push(`${name} closed`),
  })
  const duel = await runBatches(side('a', 10, 3), side('b', 5, 7), sizes, 2)
  expect(duel).toEqual({ ours: [{ cpu: 3, wall: 6 }], rival: [{ cpu: 7, wall: 14 }] })
  expect(order.join(' ')).toBe(`${'a b b a '.repeat(3)}a closed b closed`)
})

test('where fewer calls are asked for, every round counts', async () => {
  let batches = 0
  const side = { calls: 1, batch: async () => ({ cpu: ++batches, wall: 0 }) }
  const { ours } = await runBatches(side, side, { rounds: 2, calls: 1 }, 1)
  expect({ batches, rounds: ours.length }).toEqual({ batches: 4, rounds: 2 })
})

test('both sides are closed when one of them fails', async () => {
  const closed: string[] = []
  const side = (name: string, batch: Side['batch']): Side => ({ calls: 1, batch, close: () => closed.push(name) })
  const broken = side('b', () => Promise.reject(new Error('lost counts')))
  const whole = side('a', async () => ({ cpu: 1, wall: 1 }))
  await expect(runBatches(whole, broken, sizes, 1)).rejects.toThrow('lost counts')
  expect(closed).toEqual(['a', 'b'])
})

test('a batch that the clock of the processor does not see costs a little, so that a ratio is a number', async () => {
  const free: Side = { calls: 4, batch: async () => ({ cpu: 0, wall: 0 }) }
  const { ours } = await runBatches(free, free, sizes, 1)
  expect(ours).toEqual([{ cpu: 0.25, wall: 0 }])
})

test('a batch is charged with the processor time that it used, and does the calls that it was told to do', async () => {
  let done = 0
  const { cpu, wall } = await charged((calls) => {
    const until = process.cpuUsage().user + 20_000
    while (process.cpuUsage().user < until);
    done = calls
  })(7)
  expect(done).toBe(7)
  expect(cpu).toBeGreaterThanOrEqual(20_000)
  expect(wall).toBeGreaterThan(0)
})

test('fewer calls than the duel itself would make are cut into batches no larger than its own, more are not done', () => {
  const own = { calls: 1000, batches: 50 }
  expect(portions({ rounds: 1, calls: undefined }, own)).toEqual(own)
  expect(portions({ rounds: 1, calls: 60_000 }, own)).toEqual(own)
  expect(portions({ rounds: 1, calls: 300 }, own)).toEqual({ calls: 300, batches: 1 })
  expect(portions({ rounds: 1, calls: 2500 }, own)).toEqual({ calls: 1000, batches: 3 })
})
