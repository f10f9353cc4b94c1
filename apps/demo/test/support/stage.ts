import { existsSync } from 'node:fs'
import type { Action, Lane, LaneChange, LaneState, Snapshot } from '@heddle/demo/serve/protocol.js'
import { expect } from '@jest/globals'
import { becomesTrue, childrenOf, sharedFilesOf, threadCount } from './left-behind.js'
import { LivePage, type Watching } from './live-page.js'

/** A page of its own for one test, that somebody watches. */
export class Stage {
  readonly page: LivePage
  readonly watching: Watching
  /** The process that serves it. */
  readonly server: number
  /** How many threads it has when nothing runs. */
  readonly threadsAtRest: number

  private constructor(page: LivePage, watching: Watching) {
    this.page = page
    this.watching = watching
    this.server = page.child.pid as number
    this.threadsAtRest = threadCount(this.server)
  }

  /** A test that is given a stage, and ends it. */
  static on(play: (stage: Stage) => Promise<void>): () => Promise<void> {
    return async () => {
      const page = await LivePage.start()
      try {
        // The threads that read files stay: they are there from now on.
        await Promise.all(['', 'style.css', 'vendor/uplot.js', 'scripts/main.js'].map((path) => page.ask({ path })))
        await play(new Stage(page, await page.watch()))
      } finally {
        await page.end()
      }
    }
  }

  get newest(): Snapshot {
    return this.watching.snapshots.at(-1) as Snapshot
  }

  get living(): Lane[] {
    return this.newest.lanes.filter(({ state }) => state !== 'dead')
  }

  /** Asks for it. @throws Error: the answer was another one */
  async act(action: Action, status = 204): Promise<void> {
    const answer = await this.page.act(action)
    if (answer.status !== status) throw new Error(`${JSON.stringify(action)}: ${answer.status} ${answer.body}`)
  }

  async start(scenario: string, pace = 1): Promise<void> {
    await this.setPace(pace)
    await this.act({ do: 'start', scenario })
    await this.watching.until(`${scenario} runs`, ({ scenario: running }) => running === scenario)
  }

  /** Waits until each of so many lanes has been in each of these states; what was told until then. */
  async allMove(count: number, ...states: readonly LaneState[]): Promise<LaneChange[]> {
    await this.watching.until('all lanes have moved', ({ lanes }) => {
      const seen = new Set(this.watching.changes.map(({ lane, state }) => `${lane} ${state}`))
      const living = lanes.filter(({ state }) => state !== 'dead')
      return living.length === count && living.every(({ id }) => states.every((state) => seen.has(`${id} ${state}`)))
    })
    return this.watching.changes
  }

  /** Kills a lane that `choose` finds; resolves with it when it is dead and so many lanes live again. */
  async kill(choose: (newest: Snapshot) => Lane | undefined, living: number): Promise<Lane> {
    const lane = await this.watching.until('a lane to kill', choose)
    await this.act({ do: 'kill', lane: lane.id })
    await this.watching.until('it is dead', ({ lanes }) =>
      lanes.some(({ id, state }) => id === lane.id && state === 'dead'),
    )
    await this.watching.until('another one has its place', ({ lanes }) => {
      const alive = lanes.filter(({ state }) => state !== 'dead')
      return alive.length === living && alive.some(({ id, state }) => id > lane.id && state !== 'starting')
    })
    await this.act({ do: 'kill', lane: lane.id }, 409)
    return lane
  }

  /** From the time that this resolves with on, all rests are of this pace. */
  async setPace(pace: number): Promise<number> {
    await this.act({ do: 'pace', pace })
    return await this.watching.until('the pace is told', (snapshot) => snapshot.pace === pace && snapshot.time)
  }

  /** A lane that has been so only for a moment, and will be for longer at a slow pace that was set at time `since`. */
  just(newest: Snapshot, state: LaneState, on: string, since = 0): Lane | undefined {
    return newest.lanes.find(({ id }) => {
      const last = this.watching.changes.filter(({ lane }) => lane === id).at(-1)
      return last?.state === state && last.on === on && last.time > Math.max(since, newest.time - 200)
    })
  }

  /** Kills one that holds until it was in time, and not just when it let go. */
  async killOwner(on: string, living: number, isRecovered: (newest: Snapshot) => boolean): Promise<Lane> {
    for (;;) {
      const since = await this.setPace(3)
      const lane = await this.kill((snapshot) => this.just(snapshot, 'holding', on, since), living)
      await this.setPace(1)
      const { state } = this.watching.changes.filter((change) => change.lane === lane.id).at(-2) ?? {}
      if (state !== 'holding') continue
      await this.watching.until('it was recovered', isRecovered)
      return lane
    }
  }
}

/** When lanes were in this state with this subject, as far as it is over. */
export function stretches(
  changes: readonly LaneChange[],
  state: LaneState,
  on?: string,
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

/** Pairs of stretches that have a time in common. */
export function overlaps(one: readonly { from: number; to: number }[], other = one): unknown[] {
  return one.flatMap((a) => other.filter((b) => a !== b && a.from < b.to && b.from < a.to).map((b) => [a, b]))
}

/** What was recorded can be loaded as a trace that has all these lanes. */
export async function expectTrace(stage: Stage, lanes: readonly Lane[], counters: readonly string[]): Promise<void> {
  const answer = await stage.page.ask({ path: 'trace.json' })
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
      return process === stage.server && (kind === 'task' || tid === threadId)
    })
    expect([title, place && rows.has(`${String(place.pid)}/${String(place.tid)}`)]).toEqual([title, true])
  }
  const counted = new Set(traceEvents.filter(({ ph }) => ph === 'C').map(({ name }) => name))
  expect(counted).toEqual(new Set(counters))
}

export async function expectNothingLeft(stage: Stage, shared: readonly string[] = []): Promise<void> {
  await stage.act({ do: 'stop' })
  await stage.watching.until('nothing runs', ({ scenario, lanes }) => scenario === undefined && lanes.length === 0)
  // No lane has ended that was not killed here; of those a pool says how they ended when it has started another one.
  const ends = stage.watching.notes.filter((text) => / ended(:| by| with)| could not be started/.test(text))
  expect(ends.filter((text) => !text.endsWith(': another worker is started'))).toEqual([])
  expect([childrenOf(stage.server), sharedFilesOf(stage.server), shared.filter(existsSync)]).toEqual([[], [], []])
  await becomesTrue('the threads are gone', () => threadCount(stage.server) <= stage.threadsAtRest)
}
