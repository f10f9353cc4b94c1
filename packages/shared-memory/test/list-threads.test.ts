import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Segment, SharedList } from '@heddle/shared-memory'
import { expect, test } from '@jest/globals'
import { startOnList } from './support/list-threads.js'
import { closedGate, openGate } from './support/threads.js'

const program = new URL('./fixtures/list-worker.mjs', import.meta.url)

test('four threads that put in and take out at both ends lose nothing and get nothing twice', async () => {
  const list = new SharedList<[string, number]>({ bytes: 2 ** 20 })
  list.extend([
    ['start', 0],
    ['start', 1],
  ])
  const times = 500
  const names = ['a', 'b', 'c', 'd']
  const gate = closedGate()
  const threads = names.map((name) => startOnList('mix', list, { name, times }, gate))
  await openGate(gate, names.length)
  const taken = (await Promise.all(threads.map(({ result }) => result))).flat() as [string, number][]
  const all = [...taken, ...list].map(([name, number]) => `${name} ${number}`)
  expect(list.length).toBe(2)
  expect(all.length).toBe(names.length * times + 2)
  expect(new Set(all).size).toBe(all.length)
})

test('threads that drain a list get each element once, and none meets an error at its end', async () => {
  const count = 800
  const list = SharedList.from(Array.from({ length: count }, (_, n) => n))
  const taken = new Int32Array(new SharedArrayBuffer(4))
  const gate = closedGate()
  const threads = [1, 2, 3].map(() => startOnList('drain', list, { taken, count }, gate))
  await openGate(gate, 3)
  const got = (await Promise.all(threads.map(({ result }) => result))).flat() as number[]
  expect(got.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, n) => n))
})

test('SM12: beside threads that overwrite, each value is read whole, and none is missing', async () => {
  const length = 12
  const list = SharedList.from(Array.from({ length }, () => [0]))
  const done = new Int32Array(new SharedArrayBuffer(4))
  const gate = closedGate()
  const writers = [1, 2].map(() => startOnList('multiples', list, { done }, gate))
  await openGate(gate, 2)
  const torn: unknown[] = []
  const look = (value: number[], index: number) => {
    const factor = value.length - 1
    if (value.some((item) => item !== (index + 1) * factor)) torn.push([index, value])
  }
  const seen = new Set<string>()
  for (let round = 0; round < 50 || seen.size < 20; round++) {
    const all = round % 2 ? list.toArray() : [...list]
    if (all.length !== length) torn.push(all)
    for (const [index, value] of all.entries()) look(value, index)
    for (let index = 0; index < length; index++) look(list.get(index), index)
    seen.add(all.map((value) => value.length).join())
  }
  Atomics.store(done, 0, 1)
  await Promise.all(writers.map(({ result }) => result))
  expect(torn).toEqual([])
})

test('a slice is the list at one moment: others turn it round, and it is never seen half turned', async () => {
  const length = 50
  const list = SharedList.from(Array.from({ length }, (_, n) => n))
  const done = new Int32Array(new SharedArrayBuffer(4))
  const gate = closedGate()
  const { result } = startOnList('rotate', list, { done }, gate)
  await openGate(gate, 1)
  const wrong: number[][] = []
  const starts = new Set<number>()
  for (let round = 0; round < 200 || starts.size < 10; round++) {
    const all = list.slice()
    const first = all[0] as number
    starts.add(first)
    if (all.length < length - 1 || all.some((value, at) => value !== (first + at) % length)) wrong.push(all)
  }
  Atomics.store(done, 0, 1)
  await result
  expect(wrong).toEqual([])
})

test('a thread that was terminated inside leaves a list that goes on', async () => {
  const list = new SharedList<[string, number]>({ bytes: 2 ** 20 })
  for (let round = 0; round < 3; round++) {
    const gate = closedGate()
    const { worker, result } = startOnList('forever', list, {}, gate)
    result.catch(() => {})
    await openGate(gate, 1)
    const before = list.length
    while (list.length < 30 + round) Math.random()
    await worker.terminate()
    const length = list.append(['mine', round])
    expect(length).toBeGreaterThan(Math.min(before, 30))
    expect(list.toArray().length).toBe(length)
    expect(list.get(-1)).toEqual(['mine', round])
  }
})

test('SM6: a process that gets a handle as JSON works on the same list, and SIGKILL leaves one that goes on', async () => {
  using segment = Segment.create({ size: 2 ** 20 })
  const list = new SharedList<[string, number]>({ memory: segment })
  for (let round = 0; round < 3; round++) {
    const child = fork(program, { serialization: 'json' })
    const ended = once(child, 'exit')
    child.send({ job: 'forever', handle: list.toHandle() })
    await once(child, 'message')
    while (list.length < 30) await new Promise(setImmediate)
    child.kill('SIGKILL')
    await ended
    const length = list.append(['mine', round])
    const all = list.toArray()
    expect(all.length).toBe(length)
    expect(all.every(([text, number]) => typeof text === 'string' && typeof number === 'number')).toBe(true)
    expect(list.pop()).toEqual(['mine', round])
    list.clear()
  }
  const before = segment.stats().usedBytes
  list.dispose()
  expect(segment.stats().usedBytes).toBeLessThan(before)
  expect(segment.stats().areas).toBe(0)
})
