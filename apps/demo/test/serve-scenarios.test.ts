import { existsSync } from 'node:fs'
import type { Lane, LaneChange, LaneState, Snapshot } from '@heddle/demo/serve/protocol.js'
import { startServer } from '@heddle/demo/serve/server.js'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { becomesTrue, childrenOf, isAlive, sharedFilesOf, threadCount } from './support/left-behind.js'
import { LivePage, PageClient, type Watching } from './support/live-page.js'

let page: LivePage
let server: number
let threadsAtRest: number
let watching: Watching

beforeAll(async () => {
  page = await LivePage.start()
  server = page.child.pid as number
  // The threads that read files stay: they are there from now on.
  await Promise.all(['', 'style.css', 'vendor/uplot.js', 'scripts/main.js'].map((path) => page.ask({ path })))
  threadsAtRest = threadCount(server)
})
afterAll(async () => {
  await page.end()
})
beforeEach(async () => {
  watching = await page.watch()
})
afterEach(async () => {
  await page.act({ do: 'stop' })
  await page.act({ do: 'pace', pace: 1 })
  watching.close()
})

async function start(scenario: string, pace = 1): Promise<void> {
  await setPace(pace)
  expect((await page.act({ do: 'start', scenario })).status).toBe(204)
  await watching.until(`${scenario} runs`, ({ scenario: running }) => running === scenario)
}

/** Waits until each of so many lanes has been in each of these states; what was told until then. */
async function allMove(count: number, ...states: readonly LaneState[]): Promise<LaneChange[]> {
  await watching.until('all lanes have moved', ({ lanes }) => {
    const seen = new Set(watching.changes.map(({ lane, state }) => `${lane} ${state}`))
    const living = lanes.filter(({ state }) => state !== 'dead')
    return living.length === count && living.every(({ id }) => states.every((state) => seen.has(`${id} ${state}`)))
  })
  return watching.changes
}

/** When lanes were in this state with this subject, as far as it is over. */
function stretches(
  changes: readonly LaneChange[],
  state: LaneState,
  on: string,
): { lane: number; from: number; to: number }[] {
  const lanes = new Set(changes.map(({ lane }) => lane))
  return [...lanes].flatMap((lane) => {
    const own = changes.filter((change) => change.lane === lane)
    return own.flatMap((change, index) => {
      const next = own[index + 1]
      return change.state === state && change.on === on && next ? [{ lane, from: change.time, to: next.time }] : []
    })
  })
}

function overlaps(one: readonly { from: number; to: number }[], other = one): unknown[] {
  return one.flatMap((a) => other.filter((b) => a !== b && a.from < b.to && b.from < a.to).map((b) => [a, b]))
}

/** Kills a lane that `choose` finds; resolves with it when it is dead and so many lanes live again. */
async function kill(choose: (newest: Snapshot) => Lane | undefined, living: number): Promise<Lane> {
  const lane = await watching.until('a lane to kill', choose)
  expect((await page.act({ do: 'kill', lane: lane.id })).status).toBe(204)
  await watching.until('it is dead', ({ lanes }) => lanes.some(({ id, state }) => id === lane.id && state === 'dead'))
  await watching.until('another one has its place', ({ lanes }) => {
    const alive = lanes.filter(({ state }) => state !== 'dead')
    return alive.length === living && alive.some(({ id, state }) => id > lane.id && state !== 'starting')
  })
  expect((await page.act({ do: 'kill', lane: lane.id })).status).toBe(409)
  return lane
}

/** From the time that this resolves with on, all rests are of this pace. */
async function setPace(pace: number): Promise<number> {
  expect((await page.act({ do: 'pace', pace })).status).toBe(204)
  return await watching.until('the pace is told', (snapshot) => snapshot.pace === pace && snapshot.time)
}

/** A lane that has been so only for a moment, and will be for long at a slow pace that was set at time `since`. */
function just(newest: Snapshot, state: LaneState, on: string, since = 0): Lane | undefined {
  return newest.lanes.find(({ id }) => {
    const last = watching.changes.filter(({ lane }) => lane === id).at(-1)
    return last?.state === state && last.on === on && last.time > Math.max(since, newest.time - 400)
  })
}

/** Kills one that holds until it was in time, and not just when it let go. */
async function killOwner(on: string, living: number, isRecovered: (newest: Snapshot) => boolean): Promise<Lane> {
  for (;;) {
    const since = await setPace(5)
    const lane = await kill((snapshot) => just(snapshot, 'holding', on, since), living)
    await setPace(1)
    const { state } = watching.changes.filter((change) => change.lane === lane.id).at(-2) ?? {}
    if (state !== 'holding') continue
    await watching.until('it was recovered', isRecovered)
    return lane
  }
}

/** What was recorded can be loaded as a trace that has all these lanes. */
async function expectTrace(lanes: readonly Lane[], counters: readonly string[]): Promise<void> {
  const answer = await page.ask({ path: 'trace.json' })
  const { traceEvents } = JSON.parse(answer.body) as { traceEvents: Record<string, unknown>[] }
  const common = { name: expect.any(String), pid: expect.any(Number), tid: expect.any(Number) }
  const ts = expect.any(Number)
  const args = expect.any(Object)
  const shapes: Readonly<Record<string, object>> = {
    X: { ...common, ph: 'X', ts, dur: expect.any(Number), cat: expect.any(String), args },
    C: { ...common, ph: 'C', ts, args },
    i: { ...common, ph: 'i', ts, s: 'g' },
    M: { ...common, ph: 'M', args },
  }
  for (const event of traceEvents) expect(event).toEqual(shapes[String(event.ph)])
  const rows = new Map<string, Record<string, unknown>[]>()
  for (const event of traceEvents.filter(({ ph }) => ph === 'X')) {
    const row = `${String(event.pid)}/${String(event.tid)}`
    rows.set(row, [...(rows.get(row) ?? []), event])
  }
  for (const [row, events] of rows) {
    // Perfetto takes what overlaps for calls of each other.
    const spans = events.map(({ ts, dur }) => ({ from: ts as number, to: (ts as number) + (dur as number) }))
    expect([row, overlaps(spans)]).toEqual([row, []])
    expect(spans.every(({ from, to }) => to >= from)).toBe(true)
  }
  for (const { title, kind, pid, threadId } of lanes) {
    const named = traceEvents.filter(
      ({ name, args }) => name === 'thread_name' && (args as { name?: unknown }).name === title,
    )
    const place = named.find(({ pid: process, tid }) => {
      if (kind === 'process') return process === pid && tid === pid
      return process === server && (kind === 'task' || tid === threadId)
    })
    expect([title, place && rows.has(`${String(place.pid)}/${String(place.tid)}`)]).toEqual([title, true])
  }
  const counted = new Set(traceEvents.filter(({ ph }) => ph === 'C').map(({ name }) => name))
  expect(counted).toEqual(new Set(counters))
}

async function expectNothingLeft(shared: readonly string[] = []): Promise<void> {
  expect((await page.act({ do: 'stop' })).status).toBe(204)
  await watching.until('nothing runs', ({ scenario, lanes }) => scenario === undefined && lanes.length === 0)
  expect(watching.notes.filter((text) => text.includes(' has ended: '))).toEqual([])
  expect([childrenOf(server), sharedFilesOf(server), shared.filter(existsSync)]).toEqual([[], [], []])
  await becomesTrue('the threads are gone', () => threadCount(server) <= threadsAtRest)
}

const livingOf = ({ lanes }: Snapshot): Lane[] => lanes.filter(({ state }) => state !== 'dead')
const newest = (): Snapshot => watching.snapshots.at(-1) as Snapshot

test('the page is told what there is, and hears of a server that does nothing', async () => {
  const hello = await watching.until('hello', () => watching.hello)
  expect(hello.scenarios.map(({ name }) => name)).toEqual(['locks', 'processes', 'pool', 'queue', 'limiter', 'barrier'])
  expect([hello.node, hello.cores > 0]).toEqual([process.version, true])
  const first = newest().time
  await watching.until('time goes on', ({ time }) => time > first)
  expect(newest()).toEqual({ ...newest(), scenario: undefined, pace: 1, lanes: [], changes: [], notes: [] })
})

test('locks: four threads hold in turn, a dead owner is found out, and what it left repaired', async () => {
  await start('locks')
  await allMove(4, 'idle', 'waiting', 'holding')
  const changes = await watching.until('they have been at all of it', () => {
    const subjects = new Set(watching.changes.flatMap(({ state, on }) => (state === 'holding' ? [on] : [])))
    return subjects.size === 3 && watching.changes
  })
  const ledger = stretches(changes, 'holding', 'ledger')
  const reading = stretches(changes, 'holding', 'catalogue, to read')
  const writing = stretches(changes, 'holding', 'catalogue, to write')
  expect([overlaps(ledger), overlaps(writing), overlaps(writing, reading)]).toEqual([[], [], []])
  for (const { locks, lanes } of watching.snapshots) {
    const alive = new Set(lanes.map(({ id }) => id))
    for (const { holders, waiters } of locks) {
      expect([...holders, ...waiters].every((id) => alive.has(id))).toBe(true)
      expect(holders.filter((id) => waiters.includes(id))).toEqual([])
    }
    expect((locks[0]?.holders ?? []).length).toBeLessThan(2)
  }
  await watching.until('somebody has the ledger', ({ locks }) => locks[0]?.holders.length === 1)

  for (const [index, on] of [
    [0, 'ledger'],
    [1, 'catalogue, to write'],
  ] as const) {
    const { title } = await killOwner(on, 4, ({ locks }) => locks[index]?.recovered === 1)
    expect(watching.notes).toContainEqual(expect.stringContaining(`${title} is killed: thread`))
    expect(watching.notes).toContainEqual(expect.stringContaining(`got ${on} from an owner that had died`))
  }
  await expectTrace(livingOf(newest()), [])
  await expectNothingLeft()
})

test('processes: three share a lock in a segment; one that is killed with it is found out, and nothing is left', async () => {
  await start('processes')
  const changes = await allMove(3, 'running', 'waiting', 'holding')
  expect(overlaps(stretches(changes, 'holding', 'the accounts'))).toEqual([])
  const pids = newest().lanes.map(({ pid }) => pid)
  expect(new Set(childrenOf(server))).toEqual(new Set(pids))
  const shared = [server, ...(pids as number[])].flatMap(sharedFilesOf)
  expect(shared).not.toEqual([])

  const killed = await killOwner('the accounts', 3, ({ locks }) => locks[0]?.recovered === 1)
  expect(isAlive(killed.pid as number)).toBe(false)
  expect(watching.notes).toContain(`${killed.title} is killed: process ${killed.pid} by SIGKILL`)
  const { queues } = newest()
  expect(queues).toEqual([
    { name: 'parcels', size: expect.any(Number), capacity: 6, put: expect.any(Number), got: expect.any(Number) },
  ])
  await expectTrace(livingOf(newest()), ['parcels'])
  await expectNothingLeft([...shared, ...childrenOf(server).flatMap(sharedFilesOf)])
})

test('pool: workers take tasks, and what one was making when it was killed is made again', async () => {
  await start('pool')
  await allMove(3, 'running', 'idle')
  await watching.until('tasks have succeeded', ({ pools }) => (pools[0]?.succeeded ?? 0) > 5)
  const { waitMs, runMs } = newest().pools[0] ?? {}
  for (const times of [waitMs, runMs]) {
    const { p50 = -1, p95 = -1, p99 = -1 } = times ?? {}
    expect([p50 >= 0, p95 >= p50, p99 >= p95]).toEqual([true, true, true])
  }
  const killed = await kill((snapshot) => just(snapshot, 'running', 'a film'), 3)
  expect(newest().pools[0]).toMatchObject({ crashes: 1, failed: 0 })
  // More than there are places: each successor has the place of one that has ended. Not that film again: what has ended three
  // workers is not run a fourth time.
  for (let killed = 0; killed < 2; killed++)
    await kill(({ lanes }) => lanes.find(({ canKill, on }) => canKill && on !== 'a film'), 3)
  await watching.until('it is run again', () => watching.notes.some((text) => /is run again: attempt 2/.test(text)))
  expect(watching.notes).toContain(`${killed.title} is killed: thread ${killed.threadId} by terminate()`)
  const before = newest().pools[0]?.succeeded ?? 0
  await watching.until('it goes on', ({ pools }) => (pools[0]?.succeeded ?? 0) > before + 3)
  await expectTrace(livingOf(newest()), ['workshop'])
  await expectNothingLeft()
})

test('queue: slow consumers hold producers back, and one that dies holds nobody', async () => {
  await start('queue')
  await allMove(5, 'running')
  const full = await watching.until('a producer waits at a full queue', (snapshot) => {
    const isHeldBack = snapshot.lanes.some(({ state, on }) => state === 'waiting' && on === 'room in the queue')
    return isHeldBack && snapshot.queues[0]?.size === 8 && snapshot
  })
  expect(full.queues[0]?.capacity).toBe(8)
  for (const { queues } of watching.snapshots)
    for (const { size, put, got } of queues) expect([put - got, size <= 8]).toEqual([size, true])
  const killed = await kill(
    ({ lanes }) => lanes.find(({ state, on }) => state === 'waiting' && on === 'room in the queue'),
    5,
  )
  const heir = livingOf(newest()).find(({ title }) => title === killed.title)?.id
  await watching.until('its successor puts, too', () =>
    watching.changes.some(({ lane, on }) => lane === heir && on === 'making an item'),
  )
  await expectTrace(livingOf(newest()), ['items'])
  await expectNothingLeft()
})

test('limiter: never more than its bound, and a client that is cancelled in a wait has used nothing', async () => {
  await start('limiter')
  await allMove(6, 'waiting', 'running')
  const empty = await watching.until('clients wait for permits', (snapshot) => {
    const [bucket] = snapshot.limiters
    return bucket?.level === 0 && bucket.waiting > 0 && snapshot
  })
  const running = watching.snapshots.filter(({ limiters }) => limiters.length > 0)
  const [first] = running
  for (const { time, limiters } of running) {
    const [bucket] = limiters
    expect(bucket?.granted).toBeLessThanOrEqual(12 + (5 * (time - (first?.time ?? 0) + 1_000)) / 1_000)
    expect(bucket?.level).toBeLessThanOrEqual(12)
  }
  expect(empty.pools[0]?.running).toBeGreaterThan(0)
  const killed = await kill(({ lanes }) => lanes.find(({ state, on }) => state === 'waiting' && on === 'a permit'), 6)
  expect([killed.kind, newest().pools[0]?.failed]).toEqual(['task', 0])
  const before = newest().limiters[0]?.granted ?? 0
  await watching.until('it goes on', ({ limiters }) => (limiters[0]?.granted ?? 0) > before + 3)
  await expectTrace(livingOf(newest()), ['permits', 'requests'])
  await expectNothingLeft()
})

test('barrier: all go on at one moment; a party that dies breaks it, and when it was reset they meet again', async () => {
  const meetings = () => stretches(watching.changes, 'waiting', 'the others').length / 4
  await start('barrier')
  await watching.until('they have met four times', () => meetings() >= 4)
  const times = stretches(watching.changes, 'running', 'its part of the round')
  const rounds = livingOf(newest()).map(({ id }) => times.filter(({ lane }) => lane === id))
  for (let round = 0; round + 1 < Math.min(...rounds.map(({ length }) => length)); round++) {
    const lastToCome = Math.max(...rounds.map((own) => own[round]?.to ?? 0))
    // A thread may be slow to say that it goes on; it does not say so before the last one has come.
    for (const own of rounds) expect(own[round + 1]?.from).toBeGreaterThanOrEqual(lastToCome)
  }
  for (const [index, [state, on]] of (
    [
      ['running', 'its part of the round'],
      ['waiting', 'the others'],
    ] as const
  ).entries()) {
    const since = await setPace(4)
    watching.forget()
    await kill((snapshot) => {
      const others = snapshot.lanes.filter((lane) => lane.on === 'its part of the round')
      return others.length > 1 ? just(snapshot, state, on, since) : undefined
    }, 4)
    await setPace(1)
    await watching.until('it was reset', ({ locks }) => locks[0]?.recovered === index + 1)
    expect(watching.notes).toContain('the barrier is broken: the parties cannot come together any more')
    watching.forget()
    await watching.until('they meet again', () => meetings() >= 1)
  }
  await expectTrace(livingOf(newest()), [])
  await expectNothingLeft()
})

test('a slower pace makes each rest longer, also while it runs', async () => {
  await start('queue')
  await allMove(5, 'running')
  const since = await setPace(6)
  const slow = await watching.until('items were made slowly', () => {
    const made = stretches(watching.changes, 'running', 'making an item').filter(({ from }) => from > since)
    return made.length >= 3 && made
  })
  for (const { from, to } of slow) expect(to - from).toBeGreaterThanOrEqual(240)
})

test('in whatever order it is asked, everything is done or refused, and nothing is left', async () => {
  const names = ['locks', 'processes', 'pool', 'queue', 'limiter', 'barrier']
  await start('queue')
  const starts = ['locks', 'processes', 'queue', 'locks'].map((scenario) => page.act({ do: 'start', scenario }))
  expect((await Promise.all(starts)).map(({ status }) => status)).toEqual([204, 204, 204, 204])
  await expectNothingLeft()
  const any = <Item>(items: readonly Item[]): Item => items[Math.floor(Math.random() * items.length)] as Item
  for (let round = 0; round < 3; round++) {
    const statuses = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const lane = any(newest()?.lanes ?? [])?.id ?? 1
        const action = any([
          { do: 'start', scenario: any(names) },
          { do: 'start', scenario: any(names) },
          { do: 'stop' },
          { do: 'pace', pace: any([1, 2, 20]) },
          { do: 'kill', lane },
          { do: 'kill', lane: lane + 1 },
        ] as const)
        return (await page.act(action)).status
      }),
    )
    expect(statuses.filter((status) => status !== 204 && status !== 409)).toEqual([])
  }
  await start('locks')
  await allMove(4, 'holding')
  await expectNothingLeft()
})

test('what nobody watches any more is stopped after a while, and not before', async () => {
  const own = await startServer({ port: 0, lingerMs: 300 })
  try {
    const client = new PageClient(own.url)
    const own1 = await client.watch()
    expect((await client.act({ do: 'start', scenario: 'limiter' })).status).toBe(204)
    const begun = await own1.until('it runs', ({ scenario, time }) => scenario === 'limiter' && time)
    await own1.until('it runs on while somebody watches', ({ time }) => time > begun + 900)
    expect(own1.snapshots.at(-1)?.scenario).toBe('limiter')
    own1.close()
    let body = ''
    while (!body.includes('limiter and a task manager: stopped')) ({ body } = await client.ask({ path: 'trace.json' }))
    const own2 = await client.watch()
    await own2.until('nothing runs', ({ scenario }) => scenario === undefined)
    own2.close()
  } finally {
    await own.close()
  }
})
