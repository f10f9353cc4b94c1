import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import type { LaneChange, Snapshot } from '@heddle/demo/serve/protocol.js'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import {
  comeOnline,
  countedSoFar,
  focused,
  hastenTimeouts,
  layoutShifts,
  overflow,
  pixelsOfPictures,
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
  /** What most tests look at: to load it anew takes half as long as another page. */
  let shared: Page
  /** What the test looks at. */
  let page: Page
  let complaints: readonly string[]

  beforeAll(async () => {
    ;[live, browser] = await Promise.all([LivePage.start(), openBrowser(chromium as string)])
    watching = await live.watch()
    context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'no-preference' })
    shared = await context.newPage()
  }, 90_000)

  afterAll(async () => {
    watching?.close()
    await Promise.all([browser?.close(), live?.end()])
  })

  afterEach(async () => {
    if (page !== shared) await page.context().close()
  })

  const load = async (on: Page, url = live.url) => {
    await on.goto(url)
    await on.locator('main').waitFor({ state: 'visible' })
  }

  /** Loads the page of a server where nothing runs; one that tells these snapshots and nothing else, if they are given. */
  const open = async (told?: readonly Snapshot[]) => {
    await settle()
    page = shared
    page.removeAllListeners('console').removeAllListeners('pageerror')
    complaints = complaintsOf(page)
    await page.unrouteAll()
    await page.emulateMedia({ colorScheme: null, reducedMotion: 'no-preference' })
    if (told) await tell(page, told)
    await load(page)
  }

  /** A page for one test alone, with nothing in it yet. */
  const openOwn = async () => {
    await settle()
    const own = await browser.newContext({ viewport: { width: 1280, height: 900 } })
    return await own.newPage()
  }

  /** Opens a page with a clock of its own that can be put forward. */
  const openTimed = async (url?: string) => {
    page = await openOwn()
    await page.clock.install()
    await load(page, url)
  }

  /** Ends what the test before has left running. */
  const settle = async () => {
    await live.act({ do: 'stop' })
    await live.act({ do: 'pace', pace: 1 })
    watching.forget()
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
  const seen = async (what: string, isIt: (page: SeenPage) => boolean, on = page) =>
    await eventually(`${what} on the page`, async () => {
      const now = await on.evaluate(readPage)
      return isIt(now) && now
    })

  /** The page's texts, and the snapshot that they were written from. */
  const written = async (isIt: (snapshot: Snapshot) => boolean) =>
    await eventually('texts of a snapshot', async () => {
      const now = await page.evaluate(readPage)
      const from = watching.snapshots.find(({ time }) => time === now.writtenAt)
      return from !== undefined && isIt(from) && ([now, from] as const)
    })

  test('each state is drawn from the moment of its change to the next, to the pixel of any screen, in a shape of its own', async () => {
    const queues = [{ name: 'told', size: 3, capacity: 5, put: 4, got: 1 }]
    await open([
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
        queues,
      }),
      snapshotOf({ time: 16_001, lanes: [laneOf(1, 'idle'), laneOf(2, 'dead')], queues }),
    ])
    const share = (time: number) => (time - 1_001) / 15_000
    // At this height lie only the full bar and the upper rail. The picture has come to rest when its edges are at their places.
    const edgesAreAt = async (row: number, height: number, times: readonly number[]) =>
      await eventually(`row ${row} with edges at ${times.join(', ')}`, async () => {
        const strokes = await page.evaluate(strokesAt, [row, height] as const)
        const { edges, pixel } = strokes
        const isThere = times.every((time, at) => Math.abs((edges[at] ?? -1) - share(time)) <= 1.5 * pixel)
        return edges.length === times.length && isThere && strokes
      })
    const session = await context.newCDPSession(page)
    for (const ratio of [1, 2, 1]) {
      // Another height, for the browser looks whether a media query holds only when the window has another size.
      const metrics = { width: 1280, height: 900 - ratio, deviceScaleFactor: ratio, mobile: false }
      await session.send('Emulation.setDeviceMetricsOverride', metrics)
      const pictures = await eventually(`pictures of ${ratio} pixels to one`, async () => {
        const { track, swatch, chart } = await page.evaluate(pixelsOfPictures)
        const all = [...track.slice(0, 2), ...swatch, ...chart]
        return all.every(([found, isPainted]) => isPainted && Math.abs(found - ratio) < 0.02) && all
      })
      expect(pictures).toHaveLength(2 + 6 + 1)
      const high = await edgesAreAt(0, 0.15, [1_001, 4_000, 7_000, 10_000])
      expect(high.colours).toHaveLength(2)
      const middle = await page.evaluate(strokesAt, [0, 0.47] as const)
      expect(middle.edges[1]).toBeCloseTo(share(4_000), 2)
      expect(middle.edges.filter((edge) => edge > share(4_050) && edge < share(9_950))).toEqual([])
      const low = await page.evaluate(strokesAt, [0, 0.88] as const)
      expect(low.edges.at(-1)).toBeCloseTo(share(13_000), 2)
      await edgesAreAt(1, 0.15, [1_001, 13_000])
    }
    await session.detach()
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
    const killHolder = async () => {
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
      const [before, death] = watching.changes.filter(({ lane }) => lane === holder).slice(-2)
      expect(death?.state).toBe('dead')
      return { holder, title, wasHolding: before?.state === 'holding' }
    }
    let killed = await killHolder()
    // A machine with much to do may be slower to click than the holder is to let go.
    while (!killed.wasHolding) killed = await killHolder()
    const { holder, title } = killed
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

  test('what the server refuses, or never answers, is said until the next of its kind or until it is closed', async () => {
    await open([
      snapshotOf({
        time: 100,
        lanes: [laneOf(99_998, 'running'), { ...laneOf(99_999, 'running'), killVerb: 'Cancel' }],
      }),
    ])
    await page.getByRole('button', { name: 'Cancel lane 99999' }).click()
    const { problems, lanes } = await seen('why not', (now) => now.problems.length > 0)
    expect(problems).toEqual([expect.stringMatching(/^Not done: .*99999/)])
    expect(lanes.map(({ killVerb }) => killVerb)).toEqual(['Kill', 'Cancel'])
    await page.getByRole('slider', { name: 'Pace' }).focus()
    for (const pace of [2, 3]) {
      // The answer to the first one has been seen to before the second one is asked for.
      await page.keyboard.press('ArrowRight')
      await watching.until('another pace', (newest) => newest.pace === pace)
    }
    expect((await page.evaluate(readPage)).problems).toEqual(problems)
    await page.getByRole('button', { name: 'Kill lane 99998' }).click()
    const next = await seen('why not', (now) => now.problems.some((text) => text.includes('99998')))
    expect(next.problems).toHaveLength(1)
    await page.route('**/actions', async (route) => await route.fulfill({ status: 204 }))
    await page.getByRole('button', { name: 'Cancel lane 99999' }).click()
    await seen('that this one was done', (now) => now.problems.length === 0)
    await page.unroute('**/actions')
    await page.getByRole('button', { name: 'Kill lane 99998' }).click()
    await seen('why not', (now) => now.problems.length > 0)
    await page.getByRole('button', { name: 'Close this message' }).press('Enter')
    expect((await page.evaluate(readPage)).problems).toEqual([])
    expect((await page.evaluate(focused)).what).toBe('main')
    await page.route('**/actions', () => {})
    await page.evaluate(hastenTimeouts)
    await page.getByRole('button', { name: 'Start' }).click()
    const unanswered = await seen('that nobody answers', (now) => now.problems.length > 0)
    expect(unanswered.problems).toEqual(['No answer within 10 seconds: nobody knows whether it was done'])
  })

  test('a page for which the server has no stream left says what to do, and goes on when another one is closed', async () => {
    // Not the shared one: of a page that is loaded anew the server may learn late that its stream has ended.
    page = await openOwn()
    const others: IncomingMessage[] = []
    try {
      for (;;) {
        const other = await live.open({ path: 'events' })
        others.push(other)
        if (other.statusCode === 503) break
      }
      await page.goto(live.url)
      const { lost, status } = await seen('that there are too many', (now) => now.lost !== undefined)
      expect([status, lost]).toEqual(['Too many pages', expect.stringMatching(/Close one of the others/)])
      others[0]?.destroy()
      await seen('that it goes on', (now) => now.status === 'Live' && now.lost === undefined)
    } finally {
      for (const other of others) other.destroy()
    }
  })

  test('after the server was started anew the page says that its address holds no more, and tries no more', async () => {
    await openTimed()
    let tries = 0
    await page.route(/\/(events|actions)$/, async (route) => {
      const url = route.request().url()
      if (url.endsWith('events')) tries++
      await route.continue({ url: url.replace(live.token, 'x'.repeat(live.token.length)) })
    })
    const askAgain = async () => await page.evaluate(comeOnline)
    await askAgain()
    const { lost, status } = await seen('that it has expired', (now) => now.status !== 'Live')
    expect([status, lost]).toEqual(['Address expired', expect.stringMatching(/Open the address that the command/)])
    await page.clock.fastForward(60_000)
    await askAgain()
    await page.getByRole('button', { name: 'Start' }).click()
    await seen('that nothing is done either', ({ problems: [why] }) => why?.includes('use the address') === true)
    expect(tries).toBe(1)
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

  describe('while all scenarios run, one after the other,', () => {
    interface Stop {
      readonly now: SeenPage
      readonly from: Snapshot
      readonly wide: readonly string[]
      readonly weak: readonly string[]
      readonly texts: number
      /** All that were told until then. */
      readonly changes: readonly LaneChange[]
    }
    const stops = new Map<string, Stop>()
    let moved: readonly (readonly string[])[]
    let complained: readonly string[]

    beforeAll(async () => {
      const narrow = await context.newPage()
      await narrow.setViewportSize({ width: 360, height: 700 })
      await open()
      await load(narrow)
      for (const { name } of watching.hello?.scenarios ?? []) {
        await show(name)
        const begun = watching.snapshots.at(-1)?.time ?? 0
        const looks = []
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme })
          looks.push(await page.evaluate(weakContrasts))
        }
        const wide = await Promise.all([page, narrow].map(async (each) => await each.evaluate(overflow)))
        const [now, from] = await written(
          ({ time, scenario, pools: [pool], queues: [queue], limiters: [limiter] }) =>
            scenario === name &&
            time > begun + (name === 'locks' ? 500 : 0) &&
            (pool?.succeeded ?? 4) > 3 &&
            (queue?.got ?? 4) > 3 &&
            (limiter?.granted ?? 4) > 3,
        )
        stops.set(name, {
          now,
          from,
          wide: wide.flat(),
          weak: looks.flatMap(({ weak }) => weak),
          texts: Math.min(...looks.map(({ texts }) => texts)),
          changes: watching.changes,
        })
      }
      await seen('the last one', ({ title }) => title === 'A barrier', narrow)
      moved = await Promise.all([page, narrow].map(async (each) => await each.evaluate(layoutShifts)))
      // As narrow as a window of 1280 pixels at four times the size.
      await narrow.setViewportSize({ width: 320, height: 256 })
      const wide = await narrow.evaluate(overflow)
      stops.set('at 320 pixels', { ...(stops.get('barrier') as Stop), wide })
      complained = [...complaints]
      await narrow.close()
    }, 60_000)

    test('nothing is wider than the window, of 360, of 1280 or of 320 pixels', () => {
      expect(stops.size).toBe(7)
      for (const [name, { wide }] of stops) expect([name, wide]).toEqual([name, []])
    })

    test('no text and no picture is too weak, in light or dark', () => {
      for (const [name, { weak, texts }] of stops) {
        expect([name, weak]).toEqual([name, []])
        expect(texts).toBeGreaterThan(40)
      }
    })

    test('nothing ever moves', () => {
      expect(moved).toEqual([[], []])
    })

    test('the page complains of nothing', () => {
      expect(complained).toEqual([])
    })

    test('the lanes, the locks and the shares of time on the page are those of the run', async () => {
      const { now, from, changes } = stops.get('locks') as Stop
      expect(from.locks.length).toBeGreaterThan(0)
      expect(now.lanes).toEqual(
        from.lanes.map(({ id, title, state, on = '', canKill, killVerb = 'Kill' }) => {
          return { id, title, state, on, canKill, killVerb }
        }),
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
      expect(now.shares.map(([title]) => title)).toEqual(from.lanes.map(({ title }) => title))
      from.lanes.forEach(({ id }, at) => {
        const told = sharesOf(changes, id, from.time)
        const shown = (now.shares[at] ?? []).slice(1).map((text) => Number.parseFloat(text.replace('< 1', '0')))
        told.forEach((share, column) => {
          expect(Math.abs((shown[column] ?? Number.NaN) - share)).toBeLessThanOrEqual(1)
        })
      })
    })

    test('the numbers of a pool are those that the server tells', () => {
      const { now, from } = stops.get('pool') as Stop
      const told = from.pools[0]
      expect(figuresUnder(now, `Pool: ${told?.name}`)).toMatchObject({
        Running: String(told?.running),
        Queued: String(told?.queued),
        Succeeded: String(told?.succeeded),
        Crashes: '0',
      })
      const [, run] = now.latency
      expect(run?.map((text) => Number.parseFloat(text))).toEqual([
        Number.NaN,
        ...[told?.runMs?.p50, told?.runMs?.p95, told?.runMs?.p99].map((ms) => expect.closeTo(ms ?? Number.NaN, 0)),
      ])
    })

    test('the numbers of a queue and of a limiter are those that the server tells', () => {
      const queue = stops.get('queue') as Stop
      const [items] = queue.from.queues
      expect(figuresUnder(queue.now, `Queue: ${items?.name}`)).toMatchObject({
        Now: String(items?.size),
        Capacity: String(items?.capacity),
        Put: String(items?.put),
        Got: String(items?.got),
      })
      const limiter = stops.get('limiter') as Stop
      const [permits] = limiter.from.limiters
      expect(figuresUnder(limiter.now, `Limiter: ${permits?.name}`)).toMatchObject({
        Capacity: String(permits?.capacity),
        Granted: String(permits?.granted),
        Waiting: String(permits?.waiting),
      })
    })

    test('texts are rewritten once a second at most and leave the focus; pictures glide, or step once a second where no motion is wanted', async () => {
      await page.getByRole('slider', { name: 'Pace' }).focus()
      const count = async () => {
        await page.evaluate(startCounting)
        const { writtenAt } = await page.evaluate(readPage)
        await seen('another text', (now) => now.writtenAt > writtenAt + 900)
        // What belongs to a text is painted with the next frame.
        await eventually('another picture', async () => (await page.evaluate(countedSoFar)).pictures > 0)
        return await page.evaluate(stopCounting)
      }
      const gliding = await count()
      expect(gliding.writes).toBeGreaterThanOrEqual(1)
      expect(gliding.writes).toBeLessThanOrEqual(Math.ceil(gliding.seconds) + 1)
      expect(gliding.pictures).toBeGreaterThan(2 * gliding.seconds)
      await page.emulateMedia({ reducedMotion: 'reduce' })
      const stepping = await count()
      expect(stepping.pictures).toBeLessThanOrEqual(Math.ceil(stepping.seconds) + 1)
      expect((await page.evaluate(focused)).what).toBe('pace')
    })
  })

  test('many notes at once are all in the log, in their own words, and read out as one', async () => {
    const texts = Array.from({ length: 50 }, (_, n) => `note ${n} <img src="x">`)
    await open([snapshotOf({ time: 100, notes: texts.map((text) => ({ time: 100, text })) })])
    const { notes } = await seen('what is read out', ({ spoken }) => spoken === `${texts[49]}. And 49 more in the log.`)
    expect(notes).toEqual(texts)
    expect(await page.locator('#notes img').count()).toBe(0)
  })

  test('a connection that is cut, falls silent or is never answered is said to be lost, and comes back by itself', async () => {
    const line = await LineBetween.to(live.origin)
    try {
      await openTimed(live.url.replace(live.origin, `http://127.0.0.1:${line.port}`))
      await show('barrier')
      const before = await seen('that it is live', ({ status, lost }) => status === 'Live' && lost === undefined)
      const mend = await line.cut()
      const still = await seen('that it is lost', ({ status }) => status === 'Connection lost')
      expect(still.lost).toMatch(/goes on by itself, unless the server has ended/)
      expect((await page.evaluate(weakContrasts)).weak).toEqual([])
      await mend()
      await page.clock.fastForward(500)
      const after = await seen('that it goes on', ({ status, lost, writtenAt }) => {
        return status === 'Live' && lost === undefined && writtenAt > still.writtenAt
      })
      expect(after.lanes.map(({ id }) => id)).toEqual(before.lanes.map(({ id }) => id))
      line.silence(true)
      await page.clock.fastForward(3_000)
      await seen('that it is silent', ({ status }) => status === 'Connection lost')
      let unanswered = 0
      await page.route('**/events', () => {
        unanswered++
      })
      line.silence(false)
      await eventually('that it asks again when no answer comes', async () => {
        await page.clock.fastForward(3_000)
        return unanswered >= 3
      })
      await page.unrouteAll()
      await page.clock.fastForward(3_000)
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
