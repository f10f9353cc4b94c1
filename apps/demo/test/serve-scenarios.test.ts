import { startServer } from '@heddle/demo/serve/server.js'
import { expect, test } from '@jest/globals'
import { childrenOf, isAlive, sharedFilesOf } from './support/left-behind.js'
import { PageClient } from './support/live-page.js'
import { expectNothingLeft, expectTrace, overlaps, Stage, stretches } from './support/stage.js'

test.concurrent(
  'the page is told what there is, and hears of a server that does nothing',
  Stage.on(async (stage) => {
    const hello = await stage.watching.until('hello', () => stage.watching.hello)
    expect(hello.scenarios.map(({ name }) => name)).toEqual([
      'locks',
      'processes',
      'pool',
      'queue',
      'limiter',
      'barrier',
    ])
    expect([hello.node, hello.cores > 0]).toEqual([process.version, true])
    const first = stage.newest.time
    await stage.watching.until('time goes on', ({ time }) => time > first)
    expect(stage.newest).toEqual({
      ...stage.newest,
      scenario: undefined,
      pace: 1,
      lanes: [],
      changes: [],
      notes: [],
    })
  }),
)

test.concurrent(
  'locks: four threads hold in turn, a dead owner is found out, and what it left repaired',
  Stage.on(async (stage) => {
    await stage.start('locks')
    await stage.allMove(4, 'idle', 'waiting', 'holding')
    const changes = await stage.watching.until('they have been at all of it', () => {
      const subjects = new Set(stage.watching.changes.flatMap(({ state, on }) => (state === 'holding' ? [on] : [])))
      return subjects.size === 3 && stage.watching.changes
    })
    const ledger = stretches(changes, 'holding', 'ledger')
    const reading = stretches(changes, 'holding', 'catalogue, to read')
    const writing = stretches(changes, 'holding', 'catalogue, to write')
    expect([overlaps(ledger), overlaps(writing), overlaps(writing, reading)]).toEqual([[], [], []])
    for (const { locks, lanes } of stage.watching.snapshots) {
      const alive = new Set(lanes.map(({ id }) => id))
      for (const { holders, waiters } of locks) {
        expect([...holders, ...waiters].every((id) => alive.has(id))).toBe(true)
        expect(holders.filter((id) => waiters.includes(id))).toEqual([])
      }
      expect((locks[0]?.holders ?? []).length).toBeLessThan(2)
    }
    await stage.watching.until('somebody has the ledger', ({ locks }) => locks[0]?.holders.length === 1)

    for (const [index, on, checked] of [
      [0, 'ledger', 'ledger'],
      [1, 'catalogue, to write', 'catalogue, to read'],
    ] as const) {
      const { title } = await stage.killOwner(on, 4, ({ locks }) => locks[index]?.recovered === 1)
      expect(stage.watching.notes).toContainEqual(expect.stringContaining(`${title} is killed: thread`))
      expect(stage.watching.notes).toContainEqual(expect.stringContaining(`got ${on} from an owner that had died`))
      // Who finds it unsound ends with an error.
      const { time } = stage.newest
      await stage.watching.until('somebody has found it sound again', () =>
        stretches(stage.watching.changes, 'holding', checked).some(({ from }) => from > time),
      )
    }
    await expectTrace(stage, stage.living, [])
    await expectNothingLeft(stage)
  }),
)

test.concurrent(
  'processes: three share a lock in a segment; one that is killed with it is found out, and nothing is left',
  Stage.on(async (stage) => {
    await stage.start('processes')
    const changes = await stage.allMove(3, 'running', 'waiting', 'holding')
    expect(overlaps(stretches(changes, 'holding', 'the accounts'))).toEqual([])
    const pids = stage.newest.lanes.map(({ pid }) => pid)
    expect(new Set(childrenOf(stage.server))).toEqual(new Set(pids))
    const shared = [stage.server, ...(pids as number[])].flatMap(sharedFilesOf)
    expect(shared).not.toEqual([])

    const killed = await stage.killOwner('the accounts', 3, ({ locks }) => locks[0]?.recovered === 1)
    expect(isAlive(killed.pid as number)).toBe(false)
    expect(stage.watching.notes).toContain(`${killed.title} is killed: process ${killed.pid} by SIGKILL`)
    const { queues } = stage.newest
    expect(queues).toEqual([
      { name: 'parcels', size: expect.any(Number), capacity: 6, put: expect.any(Number), got: expect.any(Number) },
    ])
    await expectTrace(stage, stage.living, ['parcels'])
    await expectNothingLeft(stage, [...shared, ...childrenOf(stage.server).flatMap(sharedFilesOf)])
  }),
)

test.concurrent(
  'pool: workers take tasks, and what one was making when it was killed is made again',
  Stage.on(async (stage) => {
    await stage.start('pool')
    await stage.allMove(3, 'running', 'idle')
    await stage.watching.until('tasks have succeeded', ({ pools }) => (pools[0]?.succeeded ?? 0) > 5)
    const { waitMs, runMs } = stage.newest.pools[0] ?? {}
    for (const times of [waitMs, runMs]) {
      const { p50 = -1, p95 = -1, p99 = -1 } = times ?? {}
      expect([p50 >= 0, p95 >= p50, p99 >= p95]).toEqual([true, true, true])
    }
    const killed = await stage.kill((snapshot) => stage.just(snapshot, 'running', 'a film'), 3)
    expect(stage.newest.pools[0]).toMatchObject({ crashes: 1, failed: 0 })
    // More than there are places: each successor has the place of one that has ended. Not that film again: what has ended three
    // workers is not run a fourth time.
    for (let killed = 0; killed < 2; killed++)
      await stage.kill(({ lanes }) => lanes.find(({ canKill, on }) => canKill && on !== 'a film'), 3)
    await stage.watching.until('it is run again', () =>
      stage.watching.notes.some((text) => /is run again: attempt 2/.test(text)),
    )
    expect(stage.watching.notes).toContain(`${killed.title} is killed: thread ${killed.threadId} by terminate()`)
    const before = stage.newest.pools[0]?.succeeded ?? 0
    await stage.watching.until('it goes on', ({ pools }) => (pools[0]?.succeeded ?? 0) > before + 3)
    await expectTrace(stage, stage.living, ['workshop'])
    await expectNothingLeft(stage)
  }),
)

test.concurrent(
  'queue: slow consumers hold producers back, and one that dies holds nobody',
  Stage.on(async (stage) => {
    await stage.start('queue')
    await stage.allMove(5, 'running')
    const full = await stage.watching.until('a producer waits at a full queue', (snapshot) => {
      const isHeldBack = snapshot.lanes.some(({ state, on }) => state === 'waiting' && on === 'room in the queue')
      return isHeldBack && snapshot.queues[0]?.size === 8 && snapshot
    })
    expect(full.queues[0]?.capacity).toBe(8)
    for (const { queues } of stage.watching.snapshots)
      for (const { size, put, got } of queues) expect([put - got, size <= 8]).toEqual([size, true])
    const killed = await stage.kill(
      ({ lanes }) => lanes.find(({ state, on }) => state === 'waiting' && on === 'room in the queue'),
      5,
    )
    const heir = stage.living.find(({ title }) => title === killed.title)?.id
    await stage.watching.until('its successor puts, too', () =>
      stage.watching.changes.some(({ lane, on }) => lane === heir && on === 'making an item'),
    )
    await expectTrace(stage, stage.living, ['items'])
    await expectNothingLeft(stage)
  }),
)

test.concurrent(
  'limiter: never more than its bound, and a client that is cancelled in a wait has used nothing',
  Stage.on(async (stage) => {
    await stage.start('limiter')
    await stage.allMove(6, 'waiting', 'running')
    const empty = await stage.watching.until('clients wait for permits', (snapshot) => {
      const [bucket] = snapshot.limiters
      return bucket?.level === 0 && bucket.waiting > 0 && snapshot
    })
    const running = stage.watching.snapshots.filter(({ limiters }) => limiters.length > 0)
    const [first] = running
    for (const { time, limiters } of running) {
      const [bucket] = limiters
      expect(bucket?.granted).toBeLessThanOrEqual(12 + (5 * (time - (first?.time ?? 0) + 1_000)) / 1_000)
      expect(bucket?.level).toBeLessThanOrEqual(12)
    }
    expect(empty.pools[0]?.running).toBeGreaterThan(0)
    const killed = await stage.kill(
      ({ lanes }) => lanes.find(({ state, on }) => state === 'waiting' && on === 'a permit'),
      6,
    )
    expect([killed.kind, killed.killVerb, stage.newest.pools[0]?.failed]).toEqual(['task', 'Cancel', 0])
    const before = stage.newest.limiters[0]?.granted ?? 0
    await stage.watching.until('it goes on', ({ limiters }) => (limiters[0]?.granted ?? 0) > before + 3)
    await expectTrace(stage, stage.living, ['permits', 'requests'])
    await expectNothingLeft(stage)
  }),
)

test.concurrent(
  'barrier: all go on at one moment; a party that dies breaks it, and when it was reset they meet again',
  Stage.on(async (stage) => {
    const meetings = () => stretches(stage.watching.changes, 'waiting', 'the others').length / 4
    await stage.start('barrier')
    await stage.watching.until('they have met three times', () => meetings() >= 3)
    const times = stretches(stage.watching.changes, 'running', 'its part of the round')
    const rounds = stage.living.map(({ id }) => times.filter(({ lane }) => lane === id))
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
      const since = await stage.setPace(3)
      stage.watching.forget()
      await stage.kill((snapshot) => {
        const others = snapshot.lanes.filter((lane) => lane.on === 'its part of the round')
        return others.length > 1 ? stage.just(snapshot, state, on, since) : undefined
      }, 4)
      await stage.setPace(1)
      await stage.watching.until('it was reset', ({ locks }) => locks[0]?.recovered === index + 1)
      expect(stage.watching.notes).toContain('the barrier is broken: the parties cannot come together any more')
      stage.watching.forget()
      await stage.watching.until('they meet again', () => meetings() >= 1)
    }
    await expectTrace(stage, stage.living, [])
    await expectNothingLeft(stage)
  }),
)

test.concurrent(
  'a slower pace makes each rest longer, also while it runs',
  Stage.on(async (stage) => {
    await stage.start('locks')
    await stage.allMove(4, 'idle')
    const since = await stage.setPace(4)
    const slow = await stage.watching.until('threads have rested slowly', () => {
      const rests = stretches(stage.watching.changes, 'idle').filter(({ from }) => from > since)
      return rests.length >= 2 && rests
    })
    // A fourth of it is the shortest at full speed, all of it is longer than the longest.
    for (const { from, to } of slow) expect(to - from).toBeGreaterThanOrEqual(400)
  }),
)

test.concurrent(
  'in whatever order it is asked, everything is done or refused, and nothing is left',
  Stage.on(async (stage) => {
    const names = ['locks', 'processes', 'pool', 'queue', 'limiter', 'barrier']
    await stage.start('queue')
    const starts = ['locks', 'processes', 'queue', 'locks'].map((scenario) => stage.page.act({ do: 'start', scenario }))
    expect((await Promise.all(starts)).map(({ status }) => status)).toEqual([204, 204, 204, 204])
    await expectNothingLeft(stage)
    const any = <Item>(items: readonly Item[]): Item => items[Math.floor(Math.random() * items.length)] as Item
    for (let round = 0; round < 3; round++) {
      const statuses = await Promise.all(
        Array.from({ length: 8 }, async () => {
          const lane = any(stage.newest?.lanes ?? [])?.id ?? 1
          const action = any([
            { do: 'start', scenario: any(names) },
            { do: 'start', scenario: any(names) },
            { do: 'stop' },
            { do: 'pace', pace: any([1, 2, 20]) },
            { do: 'kill', lane },
            { do: 'kill', lane: lane + 1 },
          ] as const)
          return (await stage.page.act(action)).status
        }),
      )
      expect(statuses.filter((status) => status !== 204 && status !== 409)).toEqual([])
    }
    await stage.start('locks')
    await stage.allMove(4, 'holding')
    await expectNothingLeft(stage)
  }),
)

test.concurrent('what nobody watches any more is stopped after a while, and not before', async () => {
  const own = await startServer({ port: 0, lingerMs: 300 })
  try {
    const client = new PageClient(own.url)
    const own1 = await client.watch()
    expect((await client.act({ do: 'start', scenario: 'limiter' })).status).toBe(204)
    const begun = await own1.until('it runs', ({ scenario, time }) => scenario === 'limiter' && time)
    await own1.until('it runs on while somebody watches', ({ time }) => time > begun + 600)
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
