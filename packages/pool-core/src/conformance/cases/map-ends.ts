import assert from 'node:assert/strict'
import type { Claim } from '../claim.js'
import { Input } from '../input.js'
import { collect, isError, listenersOf, refusalOf, rejectionOf, rejects, same, until } from '../observe.js'
import { add, failOnThree, log, type Step, square, step } from '../tasks.js'

const naturals = (index: number) => index + 1
const over = { done: true, value: undefined }

export const mapEnds: readonly Claim[] = [
  {
    name: 'map: whoever leaves early closes the input, and what has not begun never does',
    async check(kit) {
      const executor = kit.executor(1)
      const gate = kit.gate()
      const input = new Input<Step>((index) => ({ dir: gate.dir, label: String(index), waits: index === 1 }))
      for await (const result of executor.map(step, input, { concurrency: 4 })) {
        assert.equal(result, '0')
        await gate.begun('1')
        break
      }
      assert.ok(input.isClosed, 'the input is closed')
      gate.open()
      await executor.run(log, [gate.dir, 'next'])
      same(gate.log(), ['0', '1', 'next'])
    },
  },
  {
    name: 'map: an error comes in the place of its item, ends the map and closes the input; toArray rejects with it',
    async check(kit) {
      const executor = kit.executor(1)
      for (const { input, items } of Input.kinds(naturals)) {
        const results = executor.map(failOnThree, items, { concurrency: 4 })
        same([(await results.next()).value, (await results.next()).value], [1, 2])
        assert.equal((await rejects(results.next(), 'RangeError')).message, 'three')
        same(await results.next(), over)
        // An async input that was just asked for an item is closed when it gives one.
        await until(() => input.isClosed, 'the close of the input')
      }
      for (const ordered of [true, false]) {
        const input = new Input(naturals)
        await rejects(executor.map(failOnThree, input, { concurrency: 4, ordered }).toArray(), 'RangeError')
        assert.ok(input.isClosed, 'the input is closed')
      }
      assert.equal(await executor.run(add, [1, 2]), 3)
    },
  },
  {
    name: 'map: an error of the input comes behind the results of the items before it, as it is',
    async check(kit) {
      const executor = kit.executor(1)
      const problem = new Error('no more items')
      for (const failsAt of [0, 3]) {
        const itemAt = (index: number) => {
          if (index === failsAt) throw problem
          return index
        }
        for (const { items } of Input.kinds(itemAt)) {
          const results = executor.map(square, items, { concurrency: 8 })
          for (let index = 0; index < failsAt; index += 1) assert.equal((await results.next()).value, index ** 2)
          assert.equal(await rejectionOf(results.next()), problem)
          same(await results.next(), over)
        }
      }
      assert.equal(await executor.run(add, [1, 2]), 3)
    },
  },
  {
    name: 'map: an item that runs longer than `timeout` fails with a TimeoutError in its place',
    async check(kit) {
      const executor = kit.executor(1)
      const gate = kit.gate()
      // The first start of what runs the tasks is part of no claim here.
      await executor.run(add, [0, 0])
      const items = ['quick', 'slow'].map((label) => ({ dir: gate.dir, label, waits: label === 'slow' }))
      const results = executor.map(step, items, { timeout: 400 })
      assert.equal((await results.next()).value, 'quick')
      await rejects(results.next(), 'TimeoutError', 'ERR_TIMEOUT')
      same(await results.next(), over)
      gate.open()
    },
  },
  {
    name: 'map: a signal ends the map with its very reason, closes the input and keeps no listener',
    async check(kit) {
      const executor = kit.executor(1)
      const gate = kit.gate()
      const controller = new AbortController()
      const { signal } = controller
      const input = new Input<Step>((index) => ({ dir: gate.dir, label: String(index), waits: index > 0 }))
      const results = executor.map(step, input, { signal, concurrency: 2 })
      assert.equal((await results.next()).value, '0')
      const aborted = rejectionOf(results.next())
      await gate.begun('1')
      controller.abort('enough')
      assert.equal(await aborted, 'enough')
      same(await results.next(), over)
      assert.ok(input.isClosed, 'the input is closed')
      assert.equal(listenersOf(signal), 0)
      const unused = new Input<number>(naturals)
      assert.equal(await rejectionOf(executor.map(square, unused, { signal }).next()), 'enough')
      assert.equal(unused.pulled, 0)
      gate.open()
      assert.equal(await executor.run(add, [1, 2]), 3)
    },
  },
  {
    name: 'map: drained on the way it gives what it has pulled, then a ClosedError, and closes the input',
    async check(kit) {
      const executor = kit.create(1)
      const input = new Input(naturals)
      const results = executor.map(square, input, { concurrency: 2 })
      assert.equal((await results.next()).value, 1)
      await executor.drain()
      const rest: unknown[] = []
      const error = await rejectionOf(
        (async () => {
          for await (const result of results) rest.push(result)
        })(),
      )
      isError(error, 'ClosedError', 'ERR_CLOSED')
      same(rest, input.pulled === 1 ? [] : [4])
      assert.ok(input.isClosed, 'the input is closed')
    },
  },
  {
    name: 'map: terminated on the way it rejects with a ClosedError and closes the input; a later one is refused',
    async check(kit) {
      const executor = kit.create(1)
      const gate = kit.gate()
      const input = new Input<Step>((index) => ({ dir: gate.dir, label: String(index), waits: true }))
      const first = rejectionOf(executor.map(step, input, { concurrency: 2 }).next())
      await gate.begun('0')
      const terminated = executor.terminate()
      isError(await first, 'ClosedError', 'ERR_CLOSED')
      gate.open()
      await terminated
      assert.ok(input.isClosed, 'the input is closed')
      const later = new Input(naturals)
      isError(await refusalOf(() => executor.map(square, later).next()), 'ClosedError', 'ERR_CLOSED')
      assert.equal(later.pulled, 0)
    },
  },
  {
    name: 'map: return() before anything was asked for leaves the input alone or closes it, and nothing runs',
    async check(kit) {
      const executor = kit.create(1)
      const input = new Input(naturals)
      const results = executor.map(square, input)
      same(await results.return(), over)
      same(await collect(results), [])
      assert.equal(input.pulled, 0)
      assert.equal(executor.stats().succeeded, 0)
    },
  },
]
