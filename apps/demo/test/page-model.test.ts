import { EventReader } from '@heddle/demo/page/event-reader.js'
import { LaneHistory } from '@heddle/demo/page/lane-history.js'
import { type Row, RunModel, windowMs } from '@heddle/demo/page/run-model.js'
import { ServerClock } from '@heddle/demo/page/server-clock.js'
import { TimeSeries } from '@heddle/demo/page/time-series.js'
import type { Lane, LaneChange, LaneState, Snapshot } from '@heddle/demo/serve/protocol.js'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'

type Stretch = readonly [state: LaneState | undefined, begin: number, end: number]

function stretches(history: LaneHistory, from: number, to: number): Stretch[] {
  const found: Stretch[] = []
  history.between(from, to, ({ state }, begin, end) => found.push([state, begin, end]))
  return found
}

const states = ['starting', 'idle', 'running', 'waiting', 'holding'] as const

test('a history is what its changes say at every moment, in whatever pieces, twice or late they come', () => {
  const changes = fc.uniqueArray(fc.record({ time: fc.nat(200), state: fc.constantFrom(...states) }), {
    selector: ({ time }) => time,
    minLength: 1,
  })
  const twice = changes.chain((told) => fc.tuple(fc.constant(told), fc.shuffledSubarray([...told, ...told])))
  fc.assert(
    fc.property(twice, fc.nat(200), fc.nat(200), ([told, again], one, other) => {
      const history = new LaneHistory()
      const sorted = told.toSorted((a, b) => a.time - b.time)
      for (const { time, state } of [...again, ...told, ...again]) history.add(time, state, undefined)
      const [from, to] = [Math.min(one, other), Math.max(one, other)]
      const seen = stretches(history, from, to)
      for (let time = from; time < to; time++) {
        const expected = sorted.findLast((change) => change.time <= time)?.state
        expect(seen.find(([, begin, end]) => begin <= time && time < end)?.[0]).toBe(expected)
      }
    }),
  )
})

test('a sample counts until the change comes that it had seen, and not where a change said the same', () => {
  const history = new LaneHistory()
  history.add(10, 'running', undefined)
  history.settle(50, 'running', undefined)
  expect(history.last?.from).toBe(10)
  history.settle(60, 'waiting', 'a lock')
  expect(stretches(history, 0, 100)).toEqual([
    ['running', 10, 60],
    ['waiting', 60, 100],
  ])
  history.add(40, 'waiting', 'a lock')
  expect(stretches(history, 0, 100)).toEqual([
    ['running', 10, 40],
    ['waiting', 40, 100],
  ])
})

test('what is forgotten ended before the moment, and what lasted until then stays', () => {
  const history = new LaneHistory()
  history.add(0, 'idle', undefined)
  history.add(10, 'running', undefined)
  history.add(20, 'idle', undefined)
  history.forget(15)
  expect(history.begin).toBe(10)
  expect(history.timeIn(0, 30)).toEqual(
    new Map([
      ['running', 10],
      ['idle', 10],
    ] as const),
  )
})

test('lanes keep their rows, a new one takes a free row first, then that of the lane that has been dead for longest', () => {
  const model = new RunModel()
  let now = 0
  const lanes = new Map<number, LaneState>()
  const tell = (...changed: readonly (readonly [number, LaneState])[]) => {
    now += 100
    for (const [id, state] of changed) lanes.set(id, state)
    const changes = changed.map(([lane, state]) => changeOf(lane, now, state))
    model.apply(snapshotOf({ time: now, lanes: [...lanes].map(([id, state]) => laneOf(id, state)), changes }))
  }
  tell([1, 'running'], [2, 'running'], [3, 'running'])
  tell([2, 'dead'])
  tell([4, 'starting'])
  expect(idsOf(model.rows)).toEqual([1, 2, 3, 4])
  for (let id = 5; id <= 8; id++) tell([id, 'running'])
  tell([6, 'dead'])
  tell([9, 'starting'])
  expect(idsOf(model.rows)).toEqual([1, 9, 3, 4, 5, 6, 7, 8])
  tell([10, 'starting'])
  expect(idsOf(model.rows)).toEqual([1, 9, 3, 4, 5, 10, 7, 8])
  expect(model.rows[1]?.lanes.map(({ id }) => id)).toEqual([2, 9])
})

test('there are never fewer rows than were reserved, more only for the living, and those beyond are counted', () => {
  const model = new RunModel()
  expect(model.rows).toHaveLength(8)
  const many = Array.from({ length: 20 }, (_, n) => laneOf(n + 1, 'running'))
  model.apply(snapshotOf({ time: 1, lanes: many.slice(0, 3) }))
  expect(model.rows).toHaveLength(8)
  model.apply(snapshotOf({ time: 2, lanes: many }))
  expect([model.rows.length, model.hidden]).toEqual([16, 4])
})

test('another scenario, or the same one begun anew, begins with empty rows; one that stops leaves its lanes as dead', () => {
  const model = new RunModel()
  expect(model.apply(snapshotOf({ time: 1, lanes: [laneOf(1, 'running')] }))).toBe(true)
  expect(model.apply(snapshotOf({ time: 2, lanes: [laneOf(1, 'idle')] }))).toBe(false)
  expect(model.apply(snapshotOf({ time: 3, lanes: [laneOf(2, 'starting')] }))).toBe(true)
  expect(idsOf(model.rows)).toEqual([2])
  model.apply(snapshotOf({ time: 4, scenario: undefined, lanes: [] }))
  expect(model.rows[0]?.lane).toMatchObject({ id: 2, state: 'dead', canKill: false })
  expect([model.isRunning, model.end]).toEqual([false, 4])
  model.apply(snapshotOf({ time: 9, scenario: undefined, lanes: [] }))
  expect(model.end).toBe(4)
  expect(model.apply(snapshotOf({ time: 10, lanes: [laneOf(3, 'starting')] }))).toBe(true)
  expect(idsOf(model.rows)).toEqual([3])
})

test('a lane that is told no more has ended: it is dead from then on, cannot be killed, and its row is free for the next', () => {
  const model = new RunModel()
  const ids = [1, 2, 3, 4, 5, 6, 7, 8]
  const lanes = ids.map((id) => laneOf(id, 'running'))
  const changes = ids.map((id) => changeOf(id, 5, 'running'))
  model.apply(snapshotOf({ time: 10, lanes, changes }))
  const others = lanes.filter(({ id }) => id !== 3)
  model.apply(snapshotOf({ time: 40, lanes: others }))
  expect(model.rows.map(({ lane }) => [lane?.id, lane?.state, lane?.canKill])).toEqual(
    ids.map((id) => (id === 3 ? [id, 'dead', false] : [id, 'running', true])),
  )
  model.apply(snapshotOf({ time: 70, lanes: others }))
  expect(stretches(model.rows[2]?.lanes[0]?.history as LaneHistory, 0, 100)).toEqual([
    ['running', 5, 40],
    ['dead', 40, 100],
  ])
  model.apply(snapshotOf({ time: 80, lanes: [...others, laneOf(9, 'starting')] }))
  expect(idsOf(model.rows)).toEqual([1, 2, 9, 4, 5, 6, 7, 8])
})

test('while the connection was lost nothing is known, unless what happened is told afterwards', () => {
  const lost = (changes: readonly LaneChange[]) => {
    const model = new RunModel()
    model.apply(snapshotOf({ time: 10, lanes: [laneOf(1, 'running')], changes: [changeOf(1, 5, 'running')] }))
    model.loseConnection()
    model.apply(snapshotOf({ time: 90, lanes: [laneOf(1, 'idle')], changes }))
    return stretches(model.rows[0]?.lanes[0]?.history as LaneHistory, 0, 100)
  }
  expect(lost([])).toEqual([
    ['running', 5, 10],
    [undefined, 10, 90],
    ['idle', 90, 100],
  ])
  expect(lost([changeOf(1, 5, 'running'), changeOf(1, 40, 'idle')])).toEqual([
    ['running', 5, 40],
    ['idle', 40, 100],
  ])
})

test('a model that runs on keeps no more than twice what it shows', () => {
  const model = new RunModel()
  for (let time = 0; time < 10 * windowMs; time += 100) {
    const state = time % 200 === 0 ? 'running' : 'idle'
    model.apply(snapshotOf({ time, lanes: [laneOf(1, state)], changes: [changeOf(1, time, state)] }))
  }
  const history = model.rows[0]?.lanes[0]?.history as LaneHistory
  expect(history.begin).toBeGreaterThan(10 * windowMs - 2 * windowMs - 400)
})

test("the server's time glides, and never passes the newest snapshot", () => {
  const clock = new ServerClock()
  clock.arrived(1_000, 50)
  expect(clock.shownUntil(50)).toBe(850)
  expect(clock.shownUntil(100)).toBe(900)
  expect(clock.shownUntil(500)).toBe(1_000)
  // This one was late: time does not jump back because of it.
  clock.arrived(1_100, 250)
  expect(clock.shownUntil(250)).toBeGreaterThan(1_045)
})

test("a server's clock that runs slower than the page's is followed, so that time goes on gliding", () => {
  const clock = new ServerClock()
  let now = 0
  // One part in a hundred, for longer than it takes to be a second behind.
  for (; now < 200_000; now += 100) clock.arrived(now * 0.99, now)
  const newest = clock.newest
  const last = now - 100
  expect(clock.shownUntil(last)).toBeGreaterThanOrEqual(newest - 150)
  expect(clock.shownUntil(last)).toBeLessThan(newest - 50)
  expect(clock.shownUntil(last + 40) - clock.shownUntil(last)).toBeCloseTo(40)
  clock.reset()
  clock.arrived(7_000, now)
  expect(clock.shownUntil(now)).toBe(6_850)
})

test('numbers over time are kept as long as they are shown and not much longer, each line with its own at each time', () => {
  const series = new TimeSeries(2)
  const end = 10 * windowMs
  for (let time = 0; time <= end; time += 100) series.push(time, [time, time % 1_000 === 0 ? undefined : -time])
  const [times, rising, falling] = series.seenFrom(end)
  const shown = windowMs / 100
  expect(times.length).toBeGreaterThan(shown)
  expect(times.length).toBeLessThan(1.1 * shown + 70)
  const kept = times.map((seconds) => Math.round(end + seconds * 1_000))
  expect(kept.at(-1)).toBe(end)
  expect(rising).toEqual(kept)
  expect(falling).toEqual(kept.map((time) => (time % 1_000 === 0 ? null : -time)))
  expect(series.extent(0)).toEqual({ least: end - windowMs, most: end })
  expect(series.extent(1)).toEqual({ least: -(end - 100), most: -(end - windowMs + 100) })
})

test('of numbers that are not known there is neither a least nor a greatest', () => {
  const series = new TimeSeries(1)
  series.push(0, [3])
  series.push(windowMs + 1, [undefined])
  expect(series.extent(0)).toEqual({ least: undefined, most: undefined })
})

test('events are read from a stream whole and in order, however it is cut into pieces', () => {
  const told = [
    { name: 'hello', data: '{"node":"v20.0.0"}' },
    { name: 'snapshot', data: '{"text":"event: none\\ndata: none"}' },
    { name: 'snapshot', data: '{}' },
  ]
  const events = told.map(({ name, data }) => `event: ${name}\ndata: ${data}\n\n`)
  const text = [': still here\n\n', ...events, 'event: snapshot\ndata: {"of": "the next'].join('')
  fc.assert(
    fc.property(fc.array(fc.nat(text.length)), (cuts) => {
      const reader = new EventReader()
      const places = [0, ...cuts.toSorted((a, b) => a - b), text.length]
      const read = places.flatMap((place, at) => reader.take(text.slice(place, places[at + 1] ?? place)))
      expect(read).toEqual(told)
      expect(reader.take('"}\n\n')).toEqual([{ name: 'snapshot', data: '{"of": "the next"}' }])
    }),
  )
})

function idsOf(rows: readonly Row[]): readonly number[] {
  return rows.flatMap(({ lane }) => (lane ? [lane.id] : []))
}

function laneOf(id: number, state: LaneState): Lane {
  const who = { id, title: `lane ${id}`, kind: 'thread', pid: undefined, threadId: id } as const
  return { ...who, state, on: undefined, canKill: state !== 'dead' }
}

function changeOf(lane: number, time: number, state: LaneState): LaneChange {
  return { lane, time, state, on: undefined }
}

function snapshotOf(given: Partial<Snapshot> & { readonly time: number }): Snapshot {
  const none = { lanes: [], changes: [], locks: [], queues: [], pools: [], limiters: [], notes: [] }
  return { scenario: 'one', pace: 1, ...none, ...given }
}
