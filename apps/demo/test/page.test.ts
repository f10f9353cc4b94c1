import { readFile } from 'node:fs/promises'
import type { LaneChange, Snapshot } from '@heddle/demo/serve/protocol.js'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import {
  focused,
  layoutShifts,
  overflow,
  readPage,
  type SeenPage,
  startCounting,
  stopCounting,
  strokesAt,
  weakContrasts,
} from './fixtures/page-probes.mjs'
import { complaintsOf, eventually, findChromium, openBrowser } from './support/browser.js'
import { LineBetween } from './support/line-between.js'
import { LivePage, type Watching } from './support/live-page.js'

const chromium = findChromium()
const reason = chromium === undefined ? ' (skipped: there is no Chromium; $CHROMIUM_BIN names one)' : ''
const describeInBrowser = chromium === undefined ? describe.skip : describe

describeInBrowser(`the live page in a browser${reason}`, () => {
  let live: LivePage
  let browser: Browser
  let watching: Watching
  let context: BrowserContext
  let page: Page
  let complaints: readonly string[]

  beforeAll(async () => {
    ;[live, browser] = await Promise.all([LivePage.start(), openBrowser(chromium as string)])
    watching = await live.watch()
  }, 90_000)

  afterAll(async () => {
    watching?.close()
    await Promise.all([browser?.close(), live?.end()])
  })

  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'no-preference' })
    page = await context.newPage()
    complaints = complaintsOf(page)
  })

  afterEach(async () => {
    await context.close()
    await live.act({ do: 'stop' })
    await live.act({ do: 'pace', pace: 1 })
    watching.forget()
  })

  const open = async (url = live.url) => {
    await page.goto(url)
    await page.locator('main').waitFor({ state: 'visible' })
  }

  /** Starts a scenario past the page, and waits until the page shows its lanes. */
  const show = async (scenario: string) => {
    await live.act({ do: 'start', scenario })
    await watching.until(
      'all lanes at work',
      ({ scenario: running, lanes }) =>
        running === scenario && lanes.length >= 3 && lanes.every(({ state }) => state !== 'starting'),
    )
    await seen('the lanes', ({ chosen, lanes }) => chosen === scenario && lanes.length >= 3)
  }

  /** Waits until the page shows what is looked for. */
  const seen = async (what: string, isIt: (page: SeenPage) => boolean) =>
    await eventually(`${what} on the page`, async () => {
      const now = await page.evaluate(readPage)
      return isIt(now) && now
    })

  /** The page's texts, and the snapshot that they were written from. */
  const written = async (isIt: (snapshot: Snapshot) => boolean) =>
    await eventually('texts of a snapshot', async () => {
      const now = await page.evaluate(readPage)
      const from = watching.snapshots.find(({ time }) => time === now.writtenAt)
      return from !== undefined && isIt(from) && ([now, from] as const)
    })

  test('the lanes, the locks and the shares of time on the page are those of the run', async () => {
    await open()
    await show('locks')
    const beginning = watching.snapshots.at(-1)?.time ?? 0
    const [now, from] = await written(({ time, locks }) => time > beginning + 1_500 && locks.length > 0)
    expect(now.lanes).toEqual(
      from.lanes.map(({ id, title, state, on = '', canKill }) => ({ id, title, state, on, canKill })),
    )
    const titleOf = (id: number) => from.lanes.find((lane) => lane.id === id)?.title ?? ''
    const titles = (ids: readonly number[], none: string) => ids.map(titleOf).join(', ') || none
    expect(now.locks).toEqual(
      from.locks.map(({ name, kind, holders, waiters, recovered }) => [
        `${name} (${kind})`,
        titles(holders, 'free'),
        titles(waiters, 'none'),
        String(recovered),
      ]),
    )
    const changes = watching.changes
    expect(now.shares.map(([title]) => title)).toEqual(from.lanes.map(({ title }) => title))
    from.lanes.forEach(({ id }, at) => {
      const told = sharesOf(changes, id, from.time)
      const shown = (now.shares[at] ?? []).slice(1).map((text) => Number.parseFloat(text.replace('< 1', '0')))
      told.forEach((share, column) => {
        expect(Math.abs((shown[column] ?? Number.NaN) - share)).toBeLessThanOrEqual(1)
      })
    })
    expect(complaints).toEqual([])
  })

  test('the numbers of a pool, of a queue and of a limiter are those that the server tells', async () => {
    await open()
    await show('pool')
    const [pool, { pools }] = await written(({ pools }) => (pools[0]?.succeeded ?? 0) > 3)
    const told = pools[0]
    expect(figuresUnder(pool, `Pool: ${told?.name}`)).toMatchObject({
      Running: String(told?.running),
      Queued: String(told?.queued),
      Succeeded: String(told?.succeeded),
      Crashes: '0',
    })
    const [, run] = pool.latency
    expect(run?.map((text) => Number.parseFloat(text))).toEqual([
      Number.NaN,
      ...[told?.runMs?.p50, told?.runMs?.p95, told?.runMs?.p99].map((ms) => expect.closeTo(ms ?? Number.NaN, 0)),
    ])
    await show('queue')
    const [queue, { queues }] = await written(({ queues }) => (queues[0]?.got ?? 0) > 3)
    expect(figuresUnder(queue, `Queue: ${queues[0]?.name}`)).toMatchObject({
      Now: String(queues[0]?.size),
      Capacity: String(queues[0]?.capacity),
      Put: String(queues[0]?.put),
      Got: String(queues[0]?.got),
    })
    await show('limiter')
    const [limiter, { limiters }] = await written(({ limiters }) => (limiters[0]?.granted ?? 0) > 3)
    expect(figuresUnder(limiter, `Limiter: ${limiters[0]?.name}`)).toMatchObject({
      Capacity: String(limiters[0]?.capacity),
      Granted: String(limiters[0]?.granted),
      Waiting: String(limiters[0]?.waiting),
    })
    expect(complaints).toEqual([])
  })

  test('each state is drawn from the moment of its change to the next, to the pixel, in a shape of its own', async () => {
    await tell(page, [
      snapshotOf({
        time: 16_000,
        lanes: [laneOf(1, 'idle'), laneOf(2, 'dead')],
        changes: [
          changeOf(1, 1_000, 'running'),
          changeOf(1, 4_000, 'waiting'),
          changeOf(1, 7_000, 'holding'),
          changeOf(1, 10_000, 'starting'),
          changeOf(1, 13_000, 'idle'),
          changeOf(2, 1_000, 'running'),
          changeOf(2, 13_000, 'dead'),
        ],
      }),
      snapshotOf({ time: 16_001, lanes: [laneOf(1, 'idle'), laneOf(2, 'dead')] }),
    ])
    await open()
    const share = (time: number) => (time - 1_001) / 15_000
    // At this height lie only the full bar and the upper rail. The picture has come to rest when its edges are at their places.
    const edgesAreAt = async (row: number, height: number, times: readonly number[]) =>
      await eventually(`row ${row} with edges at ${times.join(', ')}`, async () => {
        const strokes = await page.evaluate(strokesAt, [row, height] as const)
        const { edges, pixel } = strokes
        const isThere = times.every((time, at) => Math.abs((edges[at] ?? -1) - share(time)) <= 1.5 * pixel)
        return edges.length === times.length && isThere && strokes
      })
    const high = await edgesAreAt(0, 0.15, [1_001, 4_000, 7_000, 10_000])
    expect(high.colours).toHaveLength(2)
    const middle = await page.evaluate(strokesAt, [0, 0.47] as const)
    expect(middle.edges[1]).toBeCloseTo(share(4_000), 2)
    expect(middle.edges.filter((edge) => edge > share(4_050) && edge < share(9_950))).toEqual([])
    const low = await page.evaluate(strokesAt, [0, 0.88] as const)
    expect(low.edges.at(-1)).toBeCloseTo(share(13_000), 2)
    await edgesAreAt(1, 0.15, [1_001, 13_000])
  })

  test('by mouse a scenario is started, slowed down and stopped, and the page says so', async () => {
    await open()
    await page.getByRole('radio', { name: 'A barrier' }).check()
    await page.getByRole('button', { name: 'Start' }).click()
    await watching.until('the barrier', ({ scenario }) => scenario === 'barrier')
    await seen('its lanes', ({ lanes, title }) => lanes.length === 4 && title === 'A barrier')
    await page.getByRole('slider', { name: 'Pace' }).click()
    const pace = await watching.until('another pace', (newest) => newest.pace > 5 && newest.pace)
    await seen('the pace', (now) => now.pace === String(pace) && now.paceText === `${pace} times slower`)
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'trace.json' }).click(),
    ])
    const trace = JSON.parse(await readFile(await download.path(), 'utf8')) as {
      readonly traceEvents: readonly unknown[]
    }
    expect(trace.traceEvents.length).toBeGreaterThan(4)
    await page.getByRole('button', { name: 'Stop' }).click()
    await watching.until('no scenario', ({ scenario }) => scenario === undefined)
    const after = await seen('the end', ({ title }) => title === 'A barrier (stopped)')
    expect(after.lanes.map(({ canKill }) => canKill)).toEqual([false, false, false, false])
    expect(complaints).toEqual([])
  })

  test('by keyboard alone a scenario is chosen, started, slowed down, a lane killed, and all stopped', async () => {
    await open()
    const press = async (...keys: readonly string[]) => {
      for (const key of keys) await page.keyboard.press(key)
    }
    // The link that skips, then the choice.
    await press('Tab', 'Tab', 'ArrowDown', 'ArrowUp', 'ArrowDown', 'ArrowDown')
    expect((await page.evaluate(readPage)).chosen).toBe('pool')
    await press('Enter')
    await watching.until('three workers', ({ scenario, lanes }) => scenario === 'pool' && lanes.length >= 3)
    await seen('three workers', ({ lanes }) => lanes.length >= 3 && lanes.every(({ canKill }) => canKill))
    await press('Tab', 'Tab', 'Tab', 'ArrowRight', 'ArrowRight')
    await watching.until('another pace', ({ pace }) => pace === 3)
    await press('Tab', 'Tab')
    const { name } = await page.evaluate(focused)
    expect(name).toMatch(/^Kill worker \d+$/)
    await press('Space')
    const title = name.replace('Kill ', '')
    await watching.until('its death', ({ lanes }) =>
      lanes.some((lane) => lane.title === title && lane.state === 'dead'),
    )
    await seen('its death', ({ lanes }) => lanes.some((lane) => lane.title === title && lane.state === 'dead'))
    expect((await page.evaluate(focused)).what).toContain('kill')
    await press('Shift+Tab', 'Shift+Tab', 'Shift+Tab', 'Enter')
    await watching.until('no scenario', ({ scenario }) => scenario === undefined)
    expect(complaints).toEqual([])
  })

  test('a thread that is killed while it holds a lock is shown dead, and the lock as recovered', async () => {
    await open()
    await show('locks')
    await live.act({ do: 'pace', pace: 20 })
    const slow = (watching.snapshots.at(-1)?.time ?? 0) + 50
    const holder = await watching.until('a holder that stays', ({ locks, changes, time }) => {
      if (time < slow) return undefined
      const [id] = locks.find(({ kind }) => kind === 'Mutex')?.holders ?? []
      return changes.some((change) => change.lane === id && change.state === 'holding') && id
    })
    const { title } = (await page.evaluate(readPage)).lanes.find(({ id }) => id === holder) ?? {}
    await page.locator(`[data-lane="${holder}"] .kill`).click()
    await seen('the dead lane', ({ lanes }) =>
      lanes.some(({ id, state, canKill }) => id === holder && state === 'dead' && !canKill),
    )
    await live.act({ do: 'pace', pace: 1 })
    const after = await seen('the recovery', ({ locks }) =>
      locks.some(([name, , , recovered]) => name?.includes('Mutex') && recovered === '1'),
    )
    expect(after.notes.some((note) => note.startsWith(`${title} is killed`))).toBe(true)
    await seen('the one in its place', ({ lanes }) =>
      lanes.some(({ id, title: each, state }) => id !== holder && each === title && state !== 'dead'),
    )
    expect(complaints).toEqual([])
  })

  test('what the server refuses is said', async () => {
    await tell(page, [snapshotOf({ time: 100, lanes: [laneOf(99_999, 'running')] })])
    await open()
    await page.getByRole('button', { name: 'Kill lane 99999' }).click()
    const { problem } = await seen('why not', (now) => now.problem !== '')
    expect(problem).toMatch(/^Not done: .*99999/)
  })

  test('every control has a name, comes in the order of the page by Tab, and shows that it has the focus', async () => {
    await open()
    await show('locks')
    const order: string[] = []
    for (;;) {
      await page.keyboard.press('Tab')
      const { what, name, isSeen } = await page.evaluate(focused)
      if (what === 'body' || order.length > 20) break
      expect([what, isSeen]).toEqual([what, true])
      order.push(name.startsWith('Kill') ? name : what)
    }
    const kills = ['A', 'B', 'C', 'D'].map((letter) => `Kill thread ${letter}`)
    expect(order).toEqual(
      ['skip', 'locks', 'start', 'stop', 'pace', 'trace', ...kills, 'notes'].map((each) =>
        expect.stringContaining(each),
      ),
    )
    const session = await context.newCDPSession(page)
    const { nodes } = (await session.send('Accessibility.getFullAXTree')) as { nodes: readonly AccessibilityNode[] }
    const told = nodes.filter(({ ignored }) => !ignored)
    const nameless = told.filter(({ role, name }) => named.has(role?.value ?? '') && !name?.value)
    expect(nameless).toEqual([])
    const roles = new Set(told.map(({ role }) => role?.value))
    for (const role of ['banner', 'main', 'region', 'radiogroup', 'slider', 'status', 'table', 'heading'])
      expect([...roles]).toContain(role)
    const headings = told.filter(({ role }) => role?.value === 'heading').map(({ name }) => name?.value)
    expect(headings).toEqual(expect.arrayContaining(['Heddle, live', 'Scenario', 'Notes', 'Locks']))
  })

  test('at 360 and at 1280 pixels nothing is wider than the window, no text too weak in light or dark, and nothing ever moves', async () => {
    const narrow = await context.newPage()
    await narrow.setViewportSize({ width: 360, height: 700 })
    await narrow.goto(live.url)
    await open()
    for (const { name } of watching.hello?.scenarios ?? []) {
      await show(name)
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        const { texts, weak } = await page.evaluate(weakContrasts)
        expect([name, colorScheme, weak]).toEqual([name, colorScheme, []])
        expect(texts).toBeGreaterThan(40)
      }
      for (const each of [page, narrow]) expect([name, await each.evaluate(overflow)]).toEqual([name, []])
    }
    for (const each of [page, narrow]) {
      expect(await each.evaluate(readPage)).toMatchObject({ title: 'A barrier' })
      expect(await each.evaluate(layoutShifts)).toEqual([])
    }
    // As narrow as a window of 1280 pixels at four times the size.
    await narrow.setViewportSize({ width: 320, height: 256 })
    expect(await narrow.evaluate(overflow)).toEqual([])
    expect(complaints).toEqual([])
  })

  test('texts are rewritten once a second at most and leave the focus; pictures glide, or step once a second where no motion is wanted', async () => {
    await open()
    await show('barrier')
    await page.getByRole('slider', { name: 'Pace' }).focus()
    const count = async () => {
      await page.evaluate(startCounting)
      const { writtenAt } = await page.evaluate(readPage)
      await seen('another text', (now) => now.writtenAt > writtenAt + 900)
      return await page.evaluate(stopCounting)
    }
    const gliding = await count()
    expect(gliding.writes).toBeGreaterThanOrEqual(1)
    expect(gliding.writes).toBeLessThanOrEqual(Math.ceil(gliding.seconds) + 1)
    expect(gliding.pictures).toBeGreaterThan(2 * gliding.seconds)
    await page.emulateMedia({ reducedMotion: 'reduce' })
    const stepping = await count()
    expect(stepping.pictures).toBeGreaterThanOrEqual(1)
    expect(stepping.pictures).toBeLessThanOrEqual(Math.ceil(stepping.seconds) + 1)
    expect((await page.evaluate(focused)).what).toBe('pace')
  })

  test('many notes at once are all in the log, in their own words, and read out as one', async () => {
    const texts = Array.from({ length: 50 }, (_, n) => `note ${n} <img src="x">`)
    await tell(page, [snapshotOf({ time: 100, notes: texts.map((text) => ({ time: 100, text })) })])
    await open()
    const { notes } = await seen('what is read out', ({ spoken }) => spoken === `${texts[49]}. And 49 more in the log.`)
    expect(notes).toEqual(texts)
    expect(await page.locator('#notes img').count()).toBe(0)
  })

  test('a connection that is cut or falls silent is said to be lost, and comes back by itself', async () => {
    const line = await LineBetween.to(live.origin)
    try {
      await open(live.url.replace(live.origin, `http://127.0.0.1:${line.port}`))
      await show('barrier')
      const before = await seen('that it is live', ({ status, isLostShown }) => status === 'Live' && !isLostShown)
      const mend = await line.cut()
      await seen('that it is lost', ({ status, isLostShown }) => status === 'Connection lost' && isLostShown)
      expect((await page.evaluate(weakContrasts)).weak).toEqual([])
      await mend()
      const after = await seen('that it goes on', ({ status, isLostShown, writtenAt }) => {
        return status === 'Live' && !isLostShown && writtenAt > before.writtenAt + 1_000
      })
      expect(after.lanes.map(({ id }) => id)).toEqual(before.lanes.map(({ id }) => id))
      line.silence(true)
      await seen('that it is silent', ({ status }) => status === 'Connection lost')
      line.silence(false)
      await seen('that it speaks again', ({ status, writtenAt }) => status === 'Live' && writtenAt > after.writtenAt)
      expect(await page.evaluate(layoutShifts)).toEqual([])
    } finally {
      await line.close()
    }
  })
})

interface AccessibilityNode {
  readonly ignored?: boolean
  readonly role?: { readonly value?: string }
  readonly name?: { readonly value?: string }
}

const named = new Set(['button', 'link', 'radio', 'radiogroup', 'slider', 'region', 'form', 'image', 'img', 'table'])

/** Answers the page's request for events with these, once, and leaves it without any after that. */
async function tell(page: Page, snapshots: readonly Snapshot[]): Promise<void> {
  const scenarios = [{ name: 'told', title: 'Told', summary: 'What this test tells.' }]
  const events = [
    ['hello', { scenarios, cores: 1, node: 'v20.0.0' }] as const,
    ...snapshots.map((snapshot) => ['snapshot', snapshot] as const),
  ]
  const body = events.map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join('')
  let isTold = false
  await page.route('**/events', async (route) => {
    if (isTold) return
    isTold = true
    await route.fulfill({ contentType: 'text/event-stream', body })
  })
}

function snapshotOf(given: Partial<Snapshot> & { readonly time: number }): Snapshot {
  const none = { lanes: [], changes: [], locks: [], queues: [], pools: [], limiters: [], notes: [] }
  return { scenario: 'told', pace: 1, ...none, ...given }
}

function laneOf(id: number, state: Snapshot['lanes'][number]['state']): Snapshot['lanes'][number] {
  const who = { id, title: `lane ${id}`, kind: 'thread', pid: undefined, threadId: id } as const
  return { ...who, state, on: undefined, canKill: state !== 'dead' }
}

function changeOf(lane: number, time: number, state: LaneChange['state']): LaneChange {
  return { lane, time, state, on: undefined }
}

function figuresUnder({ figures }: SeenPage, heading: string): Readonly<Record<string, string>> {
  return Object.fromEntries(figures.find((each) => each.heading === heading)?.entries ?? []) as Record<string, string>
}

/** The percentages of the window before `time` that a lane ran, held, waited and idled, in the plainest way. */
function sharesOf(changes: readonly LaneChange[], lane: number, time: number): readonly number[] {
  const own = changes.filter((change) => change.lane === lane && change.time <= time)
  const spent = new Map<string, number>()
  own.forEach(({ time: from, state }, at) => {
    const begin = Math.max(from, time - 15_000)
    const end = Math.max(begin, own[at + 1]?.time ?? time)
    spent.set(state, (spent.get(state) ?? 0) + end - begin)
  })
  const all = [...spent.values()].reduce((sum, ms) => sum + ms, 0)
  return ['running', 'holding', 'waiting', 'idle'].map((state) => (100 * (spent.get(state) ?? 0)) / all)
}
