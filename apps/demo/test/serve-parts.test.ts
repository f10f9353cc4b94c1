import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { Durations } from '@heddle/demo/serve/durations.js'
import { processBody, taskBody, threadBody } from '@heddle/demo/serve/lanes/bodies.js'
import { Crew } from '@heddle/demo/serve/lanes/crew.js'
import {
  claimPlace,
  freePlace,
  LaneReader,
  LaneWriter,
  ownerOf,
  rest,
  setPace,
  threadLaneWords,
} from '@heddle/demo/serve/lanes/lane-words.js'
import { Roster } from '@heddle/demo/serve/lanes/roster.js'
import { Recording } from '@heddle/demo/serve/recording.js'
import { traceOf } from '@heddle/demo/serve/trace.js'
import { describe, expect, test } from '@jest/globals'

const subjects = ['lock', 'queue', 'task'] as const
const countIndex = 16

describe('the words of a lane', () => {
  test('say what the lane said, in order, and each time only what is new', () => {
    const words = threadLaneWords(2)
    const lane = new LaneWriter(words, 0, subjects)
    const other = new LaneWriter(words, 1, subjects)
    const reader = new LaneReader(words, 0, subjects)
    expect(reader.read()).toEqual([])
    lane.tell('waiting', 'lock')
    other.tell('running', 'task')
    lane.tell('holding', 'lock', true)
    lane.tell('idle')
    const time = expect.any(Number)
    expect(reader.read()).toEqual([
      { time, state: 'waiting', subject: 'lock', repaired: false },
      { time, state: 'holding', subject: 'lock', repaired: true },
      { time, state: 'idle', subject: undefined, repaired: false },
    ])
    expect(reader.read()).toEqual([])
    lane.tell('running', 'task')
    expect(reader.read()).toEqual([{ time, state: 'running', subject: 'task', repaired: false }])
  })

  test('keep the last 255 of what nobody has read', () => {
    const words = threadLaneWords(1)
    const lane = new LaneWriter(words, 0, subjects)
    const reader = new LaneReader(words, 0, subjects)
    for (let n = 0; n < 1_000; n++) lane.tell('running', subjects[n % 3])
    const read = reader.read().map(({ subject }) => subject)
    expect(read).toEqual(Array.from({ length: 255 }, (_, n) => subjects[(745 + n) % 3]))
  })

  test('count on beyond 2³²', () => {
    const words = threadLaneWords(1)
    words[countIndex] = -3
    const lane = new LaneWriter(words, 0, subjects)
    const reader = new LaneReader(words, 0, subjects)
    reader.read()
    for (let n = 0; n < 9; n++) lane.tell('running', subjects[n % 3])
    expect(reader.read().map(({ subject }) => subject)).toEqual(Array.from({ length: 9 }, (_, n) => subjects[n % 3]))
    expect(words[countIndex]).toBe(6)
  })

  test('are never read half, however fast a thread writes over them', async () => {
    const words = threadLaneWords(2)
    const times = 400_000
    const worker = new Worker(new URL('./fixtures/telling-thread.mjs', import.meta.url), {
      workerData: { words, times, subjects },
      execArgv: [],
    })
    let isOver = false
    const ended = once(worker, 'exit').then(() => {
      isOver = true
    })
    const reader = new LaneReader(words, 1, subjects)
    let latest: number | undefined
    let read = 0
    for (let last = false; ; ) {
      for (const { time, state, subject, repaired } of reader.read()) {
        // Of two transitions, one half of each: the time of a later one.
        if (latest !== undefined && ((time - latest) | 0) < 0) throw new Error('a transition from the future')
        latest = time
        read += 1
        if (!['waiting', 'running'].includes(state) || subject === undefined || repaired !== (subject === 'lock'))
          throw new Error(`nobody has told ${state} ${subject}`)
      }
      if (last) break
      last = isOver
      await new Promise((resolve) => setImmediate(resolve))
    }
    await ended
    expect(words[countIndex + 16 + 512]).toBe(times)
    expect(read).toBeGreaterThan(255)
  })

  test('belong to one lane: a place is claimed by one, until it is freed', () => {
    const words = threadLaneWords(2)
    expect([claimPlace(words, 7), claimPlace(words, 8), claimPlace(words, 9)]).toEqual([0, 1, undefined])
    expect([ownerOf(words, 0), ownerOf(words, 1)]).toEqual([7, 8])
    freePlace(words, 0)
    expect([ownerOf(words, 0), claimPlace(words, 9)]).toEqual([0, 0])
  })
})

describe('a rest that does not block', () => {
  /** Begins a rest at the slowest pace, and changes the pace when it has looked at that. */
  async function restAt(ms: number, pace: number): Promise<number> {
    const words = threadLaneWords(1)
    setPace(words, 20)
    const begun = performance.now()
    const resting = rest(words, ms)
    setPace(words, pace)
    await resting
    return performance.now() - begun
  }

  test('takes as much longer as the pace says', async () => {
    expect(await restAt(15, 20)).toBeGreaterThanOrEqual(299)
  })

  test('goes on at another pace soon after that was set', async () => {
    const ms = await restAt(400, 1)
    // 200 of the 8,000 ms at the pace before, and then the rest of it.
    expect([ms >= 589, ms < 4_000]).toEqual([true, true])
  })

  test('ends at once when it is aborted, whenever that is', async () => {
    const words = threadLaneWords(1)
    setPace(words, 20)
    const begun = performance.now()
    const resting = rest(words, 1_000, AbortSignal.timeout(300))
    await expect(resting).rejects.toMatchObject({ name: 'AbortError' })
    expect(performance.now() - begun).toBeLessThan(4_000)
  })
})

describe('a body that nobody here has ended says how it ended', () => {
  const module = new URL('./fixtures/ending.mjs', import.meta.url)

  test('a thread: by its exit code, or its error', async () => {
    expect(await threadBody(module, { how: 'exit' }).ended).toBe('ended with exit code 3')
    expect(await threadBody(module, { how: 'throw' }).ended).toBe('ended: no wool')
  })

  test('a process: by its exit code, or the signal that ended it', async () => {
    const recording = new Recording()
    const roster = new Roster(recording, threadLaneWords(1), 1, subjects)
    const crew = new Crew(recording, roster, ['one'], () => processBody(module, { how: 'wait' }))
    process.kill(roster.lanes[0]?.pid ?? 0, 'SIGKILL')
    while (roster.size > 0) await new Promise((resolve) => setTimeout(resolve, 20))
    expect(recording.told(0, recording.end).notes.map(({ text }) => text)).toEqual(['one ended by SIGKILL'])
    await crew.stop()
    expect(await processBody(module, { how: 'exit' }).ended).toBe('ended with exit code 3')
  })

  test('a task: by its error, or by itself', async () => {
    expect(await taskBody(() => Promise.reject(new Error('no wool'))).ended).toBe('ended: no wool')
    expect(await taskBody(() => Promise.resolve()).ended).toBe('ended by itself')
  })
})

describe('a crew', () => {
  /** Longer than the place of a lane that was killed stays empty. */
  const longEnough = () => new Promise((resolve) => setTimeout(resolve, 400))

  /** A crew of one, and how many lanes it has begun. */
  function crewOfOne(end: (body: number, signal: AbortSignal) => Promise<void>) {
    const recording = new Recording()
    const roster = new Roster(recording, threadLaneWords(1), 1, subjects)
    let begun = 0
    const crew = new Crew(recording, roster, ['one'], () => {
      begun += 1
      return taskBody((signal) => end(begun, signal))
    })
    return { crew, roster, recording, begun: () => begun }
  }
  const aborted = (signal: AbortSignal) => once(signal, 'abort').then(() => {})

  test('gives the place of a lane that is killed to another one, and that of no lane to nobody', async () => {
    const { crew, roster, recording, begun } = crewOfOne((_body, signal) => aborted(signal))
    const [first] = roster.lanes
    expect([crew.kill(99), crew.kill(first?.id ?? 0), crew.kill(first?.id ?? 0)]).toEqual([false, true, true])
    expect(recording.told(0, recording.end).notes.map(({ text }) => text)).toEqual(['one is cancelled'])
    while (begun() < 2) await new Promise((resolve) => setTimeout(resolve, 20))
    expect(roster.lanes.map(({ state }) => state)).toEqual(['starting', 'dead'])
    expect(crew.kill(first?.id ?? 0)).toBe(false)
    await crew.stop()
  })

  test('begins nothing any more when it is stopped while a place is empty', async () => {
    const { crew, roster, begun } = crewOfOne((_body, signal) => aborted(signal))
    crew.kill(roster.lanes[0]?.id ?? 0)
    while (roster.size > 0) await new Promise((resolve) => setImmediate(resolve))
    await crew.stop()
    await longEnough()
    expect(begun()).toBe(1)
  })

  test('that is stopped ends its lanes, and takes that for no failure', async () => {
    const { crew, roster, recording, begun } = crewOfOne((_body, signal) => aborted(signal))
    await crew.stop()
    expect([begun(), roster.size]).toEqual([1, 0])
    expect(recording.told(0, recording.end).notes).toEqual([])
  })

  test('says what a lane has died of, and does not hurry to begin the next one', async () => {
    const { crew, roster, recording, begun } = crewOfOne(() => Promise.reject(new Error('no wool')))
    while (roster.size > 0) await new Promise((resolve) => setImmediate(resolve))
    expect(recording.told(0, recording.end).notes.map(({ text }) => text)).toEqual(['one ended: no wool'])
    await longEnough()
    expect(begun()).toBe(1)
    await crew.stop()
  })
})

describe('what is recorded', () => {
  test('is the last 20,000 events', () => {
    const recording = new Recording()
    for (let n = 0; n < 20_005; n++) recording.note(`${n}`)
    const notes = [...recording.events()]
    expect([notes.length, notes[0], notes.at(-1)]).toEqual([
      20_000,
      expect.objectContaining({ text: '5' }),
      expect.objectContaining({ text: '20004' }),
    ])
    recording.beginAnew()
    recording.note('new')
    expect([...recording.events()]).toEqual([{ kind: 'note', time: expect.any(Number), text: 'new' }])
    expect(recording.told(undefined, recording.end)).toEqual({ changes: [], notes: [] })
    // Who had not heard the last of what was before hears it still.
    expect(recording.told(20_004, recording.end).notes.map(({ text }) => text)).toEqual(['20004', 'new'])
  })

  test('is told once, and to who comes later the last 15 seconds of it, without the notes', () => {
    const recording = new Recording()
    const words = threadLaneWords(1)
    const roster = new Roster(recording, words, 1, subjects)
    const id = roster.begin({ title: 'a', kind: 'thread', pid: undefined, threadId: 3 }, true, 0)
    new LaneWriter(words, 0, subjects).tell('running', 'task')
    roster.collect()
    recording.note('a note')
    const since = recording.end
    expect(recording.told(0, since).notes).toHaveLength(1)
    expect(recording.told(undefined, since)).toEqual({
      changes: [
        expect.objectContaining({ lane: id, state: 'starting' }),
        expect.objectContaining({ lane: id, state: 'running', on: 'task' }),
      ],
      notes: [],
    })
    const long = recording.clock.now() - 15_000
    const who = { id: 99, title: 'b', kind: 'task', pid: undefined, threadId: undefined } as const
    for (const time of [long - 1, long + 5_000]) recording.change(who, { lane: 99, time, state: 'idle', on: undefined })
    const { changes } = recording.told(undefined, recording.end)
    expect(changes.filter(({ lane }) => lane === 99).map(({ time }) => time)).toEqual([long + 5_000])
    roster.end(id)
    const told = recording.told(since, recording.end).changes.filter(({ lane }) => lane === id)
    expect(told).toEqual([expect.objectContaining({ lane: id, state: 'dead' })])
  })

  test('of a lane is in the order of its times, and without a change that is none', () => {
    const recording = new Recording()
    const words = threadLaneWords(1)
    const lane = new LaneWriter(words, 0, subjects)
    lane.tell('waiting', 'lock')
    const roster = new Roster(recording, words, 1, subjects)
    roster.begin({ title: 'a', kind: 'thread', pid: undefined, threadId: 3 }, true, 0)
    lane.tell('waiting', 'lock')
    lane.tell('holding', 'lock', true)
    lane.tell('holding', 'lock', true)
    roster.collect()
    const { changes } = recording.told(0, recording.end)
    expect(changes.map(({ state }) => state)).toEqual(['starting', 'waiting', 'holding'])
    expect(changes.map(({ time }) => time)).toEqual(changes.map(({ time }) => time).sort((a, b) => a - b))
    expect(roster.repairsOf(['lock'])).toBe(2)
  })

  test('of the dead, the last eight are shown', () => {
    const recording = new Recording()
    const roster = new Roster(recording, threadLaneWords(1), 1, subjects)
    const ids = Array.from({ length: 12 }, () => {
      const id = roster.begin({ title: 'a', kind: 'task', pid: undefined, threadId: undefined }, true, 0)
      roster.end(id)
      return id
    })
    const last = roster.begin({ title: 'a', kind: 'task', pid: undefined, threadId: undefined }, true, 0)
    expect(roster.lanes.map(({ id }) => id)).toEqual([last, ...ids.slice(-8)])
    expect(roster.lanes.map(({ canKill }) => canKill)).toEqual([true, ...ids.slice(-8).map(() => false)])
    expect(roster.lanes.every(({ killVerb }) => killVerb === 'Cancel')).toBe(true)
    roster.begin({ title: 'b', kind: 'thread', pid: undefined, threadId: 1 }, true, 0)
    expect(roster.lanes.find(({ title }) => title === 'b')?.killVerb).toBe('Kill')
  })

  test('as a trace has a stretch for each state, to the end of the lane or until now', () => {
    const recording = new Recording()
    const lane = { id: 1, title: 'one', kind: 'thread', pid: undefined, threadId: 5 } as const
    recording.change(lane, { lane: 1, time: 1, state: 'starting', on: undefined })
    recording.change(lane, { lane: 1, time: 2.5, state: 'running', on: 'task' })
    recording.counter('queue', 3, { size: 4 })
    recording.change(lane, { lane: 1, time: 4, state: 'dead', on: 'task' })
    const { traceEvents } = traceOf(recording)
    const row = { pid: process.pid, tid: 5 }
    expect(traceEvents.filter(({ ph }) => ph !== 'M')).toEqual([
      { name: 'starting', ph: 'X', ...row, ts: 1_000, dur: 1_500, cat: 'starting', args: { lane: 1 } },
      { name: 'queue', ph: 'C', pid: process.pid, tid: 0, ts: 3_000, args: { size: 4 } },
      { name: 'running: task', ph: 'X', ...row, ts: 2_500, dur: 1_500, cat: 'running', args: { lane: 1 } },
    ])
    expect(traceEvents).toContainEqual({ name: 'thread_name', ph: 'M', ...row, args: { name: 'one' } })
  })
})

test('percentiles are durations of which so many percent are not longer', () => {
  const durations = new Durations()
  expect(durations.percentiles()).toBeUndefined()
  durations.add(7)
  expect(durations.percentiles()).toEqual({ p50: 7, p95: 7, p99: 7 })
  for (let ms = 1_000; ms > 0; ms--) durations.add(ms)
  // Only the last 500 count.
  expect(durations.percentiles()).toEqual({ p50: 250, p95: 475, p99: 495 })
})
