import assert from 'node:assert/strict'
import type { Claim } from '../claim.js'
import { rejects, same } from '../observe.js'
import { add, addLater, count, echo, fail, hold, inside, log } from '../tasks.js'

const plain = [undefined, null, true, 0, -0, Number.NaN, Number.POSITIVE_INFINITY, 2n ** 70n, '', 'Ω 𝄞']
const objects = [
  new Date(0),
  /a+/giu,
  [1, [2, [3]]],
  { deep: { list: [{ a: undefined }] } },
  new Map<unknown, unknown>([['key', new Set([1])]]),
  new Set(['a', { b: 1 }]),
]
const bytes = [
  new Uint8Array([1, 2, 255]),
  new Float64Array([0.1, -0]),
  new BigInt64Array([-1n]),
  new Uint8Array([1, 2, 3]).buffer,
  new DataView(new Uint8Array([7, 8]).buffer),
]

export const running: readonly Claim[] = [
  {
    name: 'run: a task gets its arguments, as many as were given; its result, typed, or that of its promise comes back',
    async check(kit) {
      const executor = kit.executor(1)
      const sum: number = await executor.run(add, [1, 2])
      const later: number = await executor.run(addLater, [3, 4])
      same([sum, later], [3, 7])
      const lists = [[], [undefined], [1, undefined, undefined], Array.from({ length: 300 }, (_, index) => index)]
      for (const args of lists) assert.equal(await executor.run(count, args), args.length)
    },
  },
  {
    name: 'run: arguments and results of every cloneable kind arrive whole, those that refer to themselves too',
    async check(kit) {
      const executor = kit.executor(1)
      for (const value of [...plain, ...objects, ...bytes]) same(await executor.run(echo, [value]), value)
      same(await executor.run(echo, [[plain, objects]]), [plain, objects])
      const twice = { twice: true }
      const value: Record<string, unknown> = { one: twice, other: twice }
      value.itself = value
      const result = (await executor.run(echo, [value])) as typeof value
      assert.equal(result.itself, result)
      assert.equal(result.one, result.other)
      same(result.one, twice)
    },
  },
  {
    name: 'run: a task that failed leaves the executor as it was',
    async check(kit) {
      const executor = kit.executor(1)
      for (const kind of ['range', 'null'] as const) {
        const [failed, next] = await Promise.allSettled([executor.run(fail, [kind]), executor.run(add, [1, 2])])
        assert.equal(failed.status, 'rejected')
        same(next, { status: 'fulfilled', value: 3 })
      }
      await rejects(executor.run(fail, ['type']), 'TypeError')
      assert.equal(await executor.run(add, [3, 4]), 7)
    },
  },
  {
    name: 'order: one at a time, tasks begin in the order of submission, by whichever method',
    async check(kit) {
      const executor = kit.executor(1)
      const gate = kit.gate()
      const held = executor.run(hold, [gate.dir, 'held'])
      const labels = Array.from({ length: 20 }, (_, index) => String(index))
      const submitted = labels.map((label, index) =>
        index % 2 === 0 ? executor.run(log, [gate.dir, label]) : executor.submitTask(log, [gate.dir, label]),
      )
      await gate.begun('held')
      gate.open()
      await Promise.all([held, ...submitted])
      await executor.onIdle()
      same(gate.log(), ['held', ...labels])
    },
  },
  {
    name: 'order: as many as `concurrency` run at a time, never more, and the next begins when one has ended',
    async check(kit) {
      const executor = kit.executor(2)
      const [first, second] = [kit.gate(), kit.gate()]
      const one = executor.run(hold, [first.dir, 'one'])
      const other = executor.run(hold, [second.dir, 'other'])
      const next = executor.run(hold, [second.dir, 'next'])
      await first.begun('one')
      await second.begun('other')
      same(second.log(), ['other'])
      first.open()
      assert.equal(await one, 'one')
      await second.begun('next')
      second.open()
      same(await Promise.all([other, next]), ['other', 'next'])
      const gate = kit.gate()
      const runs = Array.from({ length: 20 }, (_, index) => executor.run(inside, [gate.dir, String(index)]))
      for (const together of await Promise.all(runs)) assert.ok(together <= 2, `${together} ran at a time`)
    },
  },
]
