import assert from 'node:assert/strict'
import type { Claim } from '../claim.js'
import { Input } from '../input.js'
import { collect, same, turnsOfTheLoop, until } from '../observe.js'
import { add, echo, type Step, square, step } from '../tasks.js'

const firstHundred = (index: number) => (index < 100 ? index + 1 : undefined)
const squares = Array.from({ length: 100 }, (_, index) => (index + 1) ** 2)

export const mapping: readonly Claim[] = [
  {
    name: 'map: results come in the order of the items, typed, whichever is done first',
    async check(kit) {
      const executor = kit.executor(2)
      const gate = kit.gate()
      const items: Step[] = ['slow', 'b', 'c', 'd'].map((label) => ({ dir: gate.dir, label, waits: label === 'slow' }))
      const results: AsyncIterableIterator<string> = executor.map(step, items, { concurrency: 4 })
      const first = results.next()
      await gate.begun('b', 'c', 'd')
      gate.open()
      same([(await first).value, ...(await collect(results))], ['slow', 'b', 'c', 'd'])
    },
  },
  {
    name: 'map: with `ordered: false` results come as they are done',
    async check(kit) {
      const executor = kit.executor(2)
      const gate = kit.gate()
      const items: Step[] = ['slow', 'b', 'c', 'd'].map((label) => ({ dir: gate.dir, label, waits: label === 'slow' }))
      const results = executor.map(step, items, { ordered: false, concurrency: 2 })
      const early = [(await results.next()).value, (await results.next()).value, (await results.next()).value]
      same(early, ['b', 'c', 'd'])
      gate.open()
      same(await collect(results), ['slow'])
    },
  },
  {
    name: 'map: a hundred items of a sync or an async input give a hundred results, whatever `concurrency` is',
    async check(kit) {
      const executor = kit.executor(2)
      for (const options of [{}, { concurrency: 1 }, { concurrency: 3 }, { concurrency: 1_000 }])
        for (const { input, items } of Input.kinds(firstHundred)) {
          same(await collect(executor.map(square, items, options)), squares)
          assert.equal(input.pulled, 100)
        }
    },
  },
  {
    name: 'map: toArray gives all results together, those of an async input too, and of an empty one none',
    async check(kit) {
      const executor = kit.executor(1)
      for (const { items } of Input.kinds(firstHundred)) same(await executor.map(square, items).toArray(), squares)
      const unordered = await executor.map(square, [1, 2, 3], { ordered: false }).toArray()
      same(
        unordered.sort((one, other) => one - other),
        [1, 4, 9],
      )
      for (const { items } of Input.kinds<number>(() => undefined)) same(await collect(executor.map(square, items)), [])
      same(await executor.map(square, []).toArray(), [])
    },
  },
  {
    name: 'map: nothing is pulled before a result is asked for, and then no more than `concurrency` beyond those given',
    async check(kit) {
      const executor = kit.executor(1)
      for (const { input, items } of Input.kinds((index) => index + 1)) {
        const results = executor.map(square, items, { concurrency: 3 })
        await turnsOfTheLoop()
        assert.equal(input.pulled, 0)
        for (let taken = 1; taken <= 20; taken += 1) {
          same(await results.next(), { done: false, value: taken ** 2 })
          assert.ok(input.pulled <= taken - 1 + 3, `${input.pulled} were pulled for ${taken} results`)
        }
        await turnsOfTheLoop()
        assert.ok(input.pulled <= 22, `${input.pulled} were pulled for 20 results`)
        await results.return()
        await until(() => input.isClosed, 'the close of the input')
      }
    },
  },
  {
    name: 'map: no more items run at a time than `concurrency`',
    async check(kit) {
      const executor = kit.executor(3)
      const gate = kit.gate()
      const input = new Input((index) =>
        index < 6 ? { dir: gate.dir, label: String(index), waits: index < 2 } : undefined,
      )
      const all = executor.map(step, input, { concurrency: 2 }).toArray()
      await gate.begun('0', '1')
      await turnsOfTheLoop()
      same(gate.log().toSorted(), ['0', '1'])
      assert.equal(input.pulled, 2)
      gate.open()
      same(await all, ['0', '1', '2', '3', '4', '5'])
    },
  },
  {
    name: 'map: any value is an item, and several maps and single tasks share an executor',
    async check(kit) {
      const executor = kit.executor(1)
      const items = [undefined, null, { a: [1] }, 0, '']
      same(await collect(executor.map(echo, items)), items)
      const [first, second, sum] = await Promise.all([
        collect(executor.map(square, [1, 2, 3])),
        executor.map(echo, ['a', 'b']).toArray(),
        executor.run(add, [1, 2]),
      ])
      same([first, second, sum], [[1, 4, 9], ['a', 'b'], 3])
    },
  },
]
