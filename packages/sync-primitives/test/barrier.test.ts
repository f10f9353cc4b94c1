import { setTimeout } from 'node:timers/promises'
import { Barrier } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { rejects, rejectsWith } from './support/rejects.js'
import { thrownBy, turnsOfTheLoop } from './support/until.js'

const broken = { name: 'BrokenError', code: 'ERR_BARRIER_BROKEN' }

/** So many tasks of this thread come to the barrier. */
const come = (barrier: Barrier, tasks: number) => Array.from({ length: tasks }, () => barrier.wait())
const indices = async (waits: Promise<{ index: number }>[]) =>
  (await Promise.all(waits)).map(({ index }) => index).sort((a, b) => a - b)

/** Something that a test ends when it likes. */
function open<Value>() {
  let resolve: (value: Value) => void = () => {}
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise<Value>((ok, fail) => {
    resolve = ok
    reject = fail
  })
  return { promise, resolve, reject }
}

describe('parties of one thread', () => {
  test('nobody passes before the last one has come, and each has an index of its own', async () => {
    const barrier = new Barrier(3)
    let passed = 0
    const waits = come(barrier, 2)
    for (const wait of waits) void wait.then(() => (passed += 1))
    await turnsOfTheLoop(8)
    expect(passed).toBe(0)
    expect(barrier.getState()).toEqual({ parties: 3, waiting: 2, broken: false })
    const last = barrier.wait()
    expect(await last).toEqual({ index: 2, serial: true })
    expect(await Promise.all(waits)).toEqual([
      { index: 0, serial: false },
      { index: 1, serial: false },
    ])
    expect(barrier.getState()).toEqual({ parties: 3, waiting: 0, broken: false })
  })

  test('a blocking call that comes last lets the tasks go', async () => {
    const barrier = new Barrier(3)
    const waits = come(barrier, 2)
    expect(barrier.waitSync()).toEqual({ index: 2, serial: true })
    expect(await indices(waits)).toEqual([0, 1])
  })

  test('with one party nobody ever waits', async () => {
    let calls = 0
    const barrier = new Barrier(1, {
      action: () => {
        calls += 1
      },
    })
    for (let turn = 0; turn < 5; turn++) {
      expect(barrier.waitSync({ timeout: 0 })).toEqual({ index: 0, serial: true })
      expect(await barrier.wait({ timeout: 0 })).toEqual({ index: 0, serial: true })
    }
    expect(calls).toBe(10)
  })

  test('1,000 generations: each has every index once, and nobody is a generation ahead', async () => {
    const [parties, rounds] = [3, 1_000]
    const barrier = new Barrier(parties)
    const marks = new Int32Array(parties * rounds)
    let [arrived, wrong] = [0, 0]
    const party = async () => {
      for (let round = 0; round < rounds; round++) {
        arrived += 1
        const { index, serial } = await barrier.wait()
        if (arrived < parties * (round + 1) || arrived > parties * (round + 2)) wrong += 1
        if (serial !== (index === parties - 1)) wrong += 1
        marks[round * parties + index] = (marks[round * parties + index] ?? 0) + 1
      }
    }
    await Promise.all([party(), party(), party()])
    expect(wrong).toBe(0)
    expect(marks.every((mark) => mark === 1)).toBe(true)
  })

  test('hundreds of tasks can be its parties', async () => {
    const parties = 400
    const barrier = new Barrier(parties)
    const waits = come(barrier, parties - 1)
    expect(barrier.getState().waiting).toBe(parties - 1)
    waits.push(barrier.wait())
    expect(await indices(waits)).toEqual(Array.from({ length: parties }, (_, i) => i))
    expect(new Barrier(2_047).parties).toBe(2_047)
  })

  test('a thousand tasks that wait leave their thread to others', async () => {
    const barrier = new Barrier(1_000)
    const waits = come(barrier, 999).map((wait) => rejects(wait))
    const begun = performance.now()
    for (let tick = 0; tick < 4; tick++) await setTimeout(60)
    barrier.abort()
    expect(performance.now() - begun).toBeLessThan(1_000)
    await Promise.all(waits)
  })

  test.each([[0], [-1], [1.5], [2_048], [Number.NaN], [Number.POSITIVE_INFINITY], ['2'], [2n], [null], [undefined]])(
    '%p parties are an error',
    (parties) => {
      expect(thrownBy(() => new Barrier(parties as number))).toMatchObject({
        code: typeof parties === 'number' ? 'ERR_OUT_OF_RANGE' : 'ERR_INVALID_ARG',
      })
    },
  )

  test('bad options are an error, and that party did not come', async () => {
    const barrier = new Barrier(2)
    for (const options of [null, 5, { timeout: '1' }, { timeout: -1 }, { timeout: Number.NaN }]) {
      await expect(barrier.wait(options as object)).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_(INVALID_ARG|OUT_OF_RANGE)$/),
      })
      expect(thrownBy(() => barrier.waitSync(options as object))).toHaveProperty('code')
    }
    await expect(barrier.wait({ signal: {} as AbortSignal })).rejects.toMatchObject({ code: 'ERR_INVALID_ARG' })
    const { code } = thrownBy(() => new Barrier(2, { action: 'now' as never })) as { code: string }
    expect(code).toBe('ERR_INVALID_ARG')
    expect(thrownBy(() => Barrier.fromHandle(barrier.toHandle(), { action: 1 as never }))).toMatchObject({ code })
    expect(barrier.getState()).toEqual({ parties: 2, waiting: 0, broken: false })
  })
})

describe('the action', () => {
  test('runs once for each generation, before anybody goes on, and waits for its promise', async () => {
    const log: string[] = []
    const gate = open<void>()
    const barrier = new Barrier(2, {
      action: async () => {
        log.push('begin')
        await gate.promise
        log.push('end')
      },
    })
    const waits = come(barrier, 2).map((wait) => wait.then(() => log.push('passed')))
    const next = come(barrier, 2).map((wait) => wait.then(() => log.push('next')))
    await turnsOfTheLoop(8)
    expect(log).toEqual(['begin'])
    gate.resolve()
    await Promise.all([...waits, ...next])
    expect(log.slice(0, 2)).toEqual(['begin', 'end'])
    expect(log.filter((entry) => entry === 'begin')).toHaveLength(2)
    expect(log.indexOf('next')).toBeGreaterThan(log.lastIndexOf('begin'))
  })

  test('that of the last one’s object is taken', async () => {
    const log: string[] = []
    const one = new Barrier(2, { action: () => log.push('one') })
    const other = Barrier.fromHandle(one.toHandle(), { action: () => log.push('other') })
    const plain = Barrier.fromHandle(one.toHandle())
    await Promise.all([one.wait(), other.wait()])
    await Promise.all([other.wait(), one.wait()])
    await Promise.all([one.wait(), plain.wait()])
    expect(log).toEqual(['other', 'one'])
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('of the action')
      },
    ],
    ['rejects', () => Promise.reject(new Error('of the action'))],
  ])('one that %s gives its error to the last one and breaks the barrier for the others', async (_, action) => {
    let fails = true
    const barrier = new Barrier(3, { action: () => (fails ? action() : undefined) })
    const others = come(barrier, 2).map((wait) => rejects(wait, broken.code))
    await expect(barrier.wait()).rejects.toThrow('of the action')
    await Promise.all(others)
    await expect(barrier.wait()).rejects.toMatchObject(broken)
    fails = false
    barrier.reset()
    expect(await indices(come(barrier, 3))).toEqual([0, 1, 2])
  })

  test('in waitSync one that throws, or returns a promise, breaks the barrier', async () => {
    const failure = new Error('of the action')
    for (const [action, thrown] of [
      [
        () => {
          throw failure
        },
        failure,
      ],
      [() => Promise.resolve(), expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG' })],
    ] as const) {
      const barrier = new Barrier(2, { action })
      const other = rejects(barrier.wait(), broken.code)
      expect(thrownBy(() => barrier.waitSync())).toEqual(thrown)
      await other
      expect(barrier.getState().broken).toBe(true)
    }
  })

  test('one that comes to its own barrier and blocks there is refused, and breaks it', async () => {
    const barrier: Barrier = new Barrier(2, { action: () => barrier.waitSync({ timeout: 20 }) })
    const other = rejects(barrier.wait(), broken.code)
    expect(thrownBy(() => barrier.waitSync())).toMatchObject({ code: 'ERR_ALREADY_OWNED' })
    await other
    expect(barrier.getState().broken).toBe(true)
  })

  test.each(['abort', 'reset'] as const)('%s while it runs breaks this generation for all its parties', async (how) => {
    const gate = open<void>()
    const barrier = new Barrier(2, { action: () => gate.promise })
    const waits = come(barrier, 2).map((wait) => rejects(wait, broken.code))
    barrier[how]()
    await waits[0]
    expect(barrier.getState()).toEqual({ parties: 2, waiting: 0, broken: how === 'abort' })
    gate.resolve()
    await Promise.all(waits)
    expect(barrier.getState().broken).toBe(how === 'abort')
    barrier.reset()
    expect(await indices(come(barrier, 2))).toEqual([0, 1])
  })

  test('one that fails after a reset does not break the generation that has begun since', async () => {
    const gate = open<void>()
    let first = true
    const barrier = new Barrier(2, {
      action: () => {
        if (!first) return undefined
        first = false
        return gate.promise
      },
    })
    const other = rejects(barrier.wait(), broken.code)
    const last = rejectsWith(barrier.wait(), 'failed')
    barrier.reset()
    const next = barrier.wait()
    gate.reject('failed')
    await Promise.all([other, last])
    expect(await indices([next, barrier.wait()])).toEqual([0, 1])
  })

  test('a timeout or a signal does not end a party any more once all have come', async () => {
    const gate = open<void>()
    const barrier = new Barrier(2, { action: () => gate.promise })
    const controller = new AbortController()
    const waits = [barrier.wait({ timeout: 200 }), barrier.wait({ timeout: 0, signal: controller.signal })]
    controller.abort()
    gate.resolve()
    expect(await indices(waits)).toEqual([0, 1])
  })
})
