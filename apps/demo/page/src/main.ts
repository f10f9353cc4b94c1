import type { Hello, Snapshot } from '@heddle/demo/serve/protocol.js'
import { Connection, type Loss } from './connection.js'
import { Controls } from './controls.js'
import { bodyOf, byId, fillRows, setAttribute, setText } from './dom.js'
import { percent, seconds } from './format.js'
import { Notes } from './notes.js'
import { type Panel, panelsKey, panelsOf } from './panels.js'
import { onRatioChange } from './pixel-ratio.js'
import { RunModel } from './run-model.js'
import { ServerClock } from './server-clock.js'
import { onThemeChange, reducedMotion } from './theme.js'
import { createLegend, lanesInWords, Timeline } from './timeline.js'

/** The columns of the table that tells what the timeline shows. */
const shareStates = ['running', 'holding', 'waiting', 'idle'] as const
/** Texts change at most so often, for they are to be read. */
const textMs = 1_000

/** The timeline glides by a pixel or two at a time: to draw more often costs twice as much, and hardly shows. */
const glideMs = 40

/** Charts are drawn at most so often. */
const chartMs = 200

/** What is said when nothing comes, in a few words and in full. */
const losses: Readonly<Record<Loss, readonly [status: string, banner: string]>> = {
  cut: [
    'Connection lost',
    'Connection lost. What you see stands still; it goes on by itself, unless the server has ended: then start it again, and open the address that it prints.',
  ],
  full: [
    'Too many pages',
    'Too many pages of this server are open, so that it has nothing for this one. Close one of the others: then this one goes on by itself.',
  ],
  expired: [
    'Address expired',
    'This address is no longer valid, for the server was started anew. Open the address that the command has printed.',
  ],
}

/** The page: takes in what the server tells, and brings it to the screen, once per frame and only when there is something. */
class LivePage {
  readonly #main = byId('main', HTMLElement)
  readonly #status = byId('connection', HTMLParagraphElement)
  readonly #lostBanner = byId('lost', HTMLParagraphElement)
  readonly #runTitle = byId('run-title', HTMLHeadingElement)
  readonly #panelHolder = byId('panels', HTMLDivElement)
  readonly #laneTable = byId('lane-table', HTMLTableElement)
  readonly #asOf = byId('as-of', HTMLSpanElement)
  readonly #more = byId('more-lanes', HTMLParagraphElement)
  readonly #controls = new Controls()
  readonly #model = new RunModel()
  readonly #clock = new ServerClock()
  readonly #notes = new Notes(byId('notes', HTMLOListElement), byId('spoken', HTMLParagraphElement))
  readonly #timeline: Timeline
  readonly #drawLegend = createLegend(byId('legend', HTMLUListElement))
  readonly #connection: Connection
  #scenarioTitles = new Map<string, string>()
  #panels: readonly Panel[] = []
  #panelsKey = ''
  #writtenAt = -Infinity
  #steppedAt = -Infinity
  #chartedAt = -Infinity
  #isScheduled = false
  /** Set while the timeline glides: what comes in the meantime is drawn with its next step. */
  #glide: number | undefined
  /** Whether the charts are to be drawn with the next frame. */
  #hasNews = false

  constructor() {
    this.#timeline = new Timeline(byId('lanes', HTMLOListElement), this.#model, (lane) => {
      void this.#controls.do({ do: 'kill', lane })
    })
    this.#timeline.onResize(() => this.#schedule())
    onThemeChange(() => {
      this.#timeline.forget()
      this.#drawLegend()
      this.#steppedAt = -Infinity
      for (const panel of this.#panels) panel.redraw()
      this.#schedule()
    })
    // The charts see to themselves.
    onRatioChange(() => {
      this.#timeline.fit()
      this.#drawLegend()
    })
    this.#connection = new Connection({
      hello: (hello) => this.#greet(hello),
      snapshot: (snapshot) => this.#take(snapshot),
      lost: (loss) => this.#lose(loss),
    })
    this.#connection.open()
  }

  #greet({ scenarios, cores, node }: Hello): void {
    this.#clock.reset()
    this.#controls.offer(scenarios)
    this.#scenarioTitles = new Map(scenarios.map(({ name, title }) => [name, title]))
    setText(
      byId('machine', HTMLParagraphElement),
      `Node ${node.replace(/^v/, '')} · ${cores} ${cores === 1 ? 'core' : 'cores'}`,
    )
    setText(this.#status, 'Live')
    setAttribute(this.#status, 'data-state', 'live')
    this.#lostBanner.hidden = true
    document.documentElement.classList.remove('is-lost')
    // Shown as a whole, and not before all of it has its place.
    if (this.#main.hidden) {
      this.#main.hidden = false
      this.#drawLegend()
    }
  }

  #lose(loss: Loss): void {
    const { snapshot } = this.#model
    const wasLive = this.#lostBanner.hidden
    this.#model.loseConnection()
    if (snapshot && wasLive) {
      for (const panel of this.#panels) panel.gap(snapshot.time + 1)
      this.#write(snapshot)
    }
    const [status, banner] = losses[loss]
    setText(this.#status, status)
    setAttribute(this.#status, 'data-state', 'lost')
    setText(this.#lostBanner, banner)
    this.#lostBanner.hidden = false
    document.documentElement.classList.add('is-lost')
  }

  #take(snapshot: Snapshot): void {
    this.#clock.arrived(snapshot.time, performance.now())
    const wasRunning = this.#model.isRunning
    const begins = this.#model.apply(snapshot)
    if (begins) {
      this.#timeline.forget()
      this.#panelsKey = ''
    }
    if (snapshot.scenario !== undefined) {
      this.#matchPanels(snapshot)
      for (const panel of this.#panels) panel.push(snapshot)
    }
    this.#controls.show(snapshot.scenario, snapshot.pace)
    this.#notes.add(snapshot.notes)
    if (begins || snapshot.time - this.#writtenAt >= textMs) this.#write(snapshot)
    else this.#timeline.write(true)
    if (!this.#model.isRunning && !wasRunning && !begins) return
    this.#hasNews = true
    if (this.#glide === undefined) this.#schedule()
  }

  #matchPanels(snapshot: Snapshot): void {
    const key = panelsKey(snapshot)
    if (key === this.#panelsKey) return
    this.#panelsKey = key
    for (const panel of this.#panels) panel.close()
    this.#panels = panelsOf(snapshot)
    this.#panelHolder.replaceChildren(...this.#panels.map(({ section }) => section))
    for (const panel of this.#panels) panel.write(snapshot)
  }

  /** Brings all texts up to date. */
  #write(snapshot: Snapshot): void {
    this.#writtenAt = snapshot.time
    this.#timeline.write(false)
    // Of a run that has ended the last numbers stay.
    if (snapshot.scenario !== undefined) for (const panel of this.#panels) panel.write(snapshot)
    const { shown, hidden, end } = this.#model
    const title = this.#scenarioTitles.get(shown ?? '') ?? shown
    const isOver = shown !== undefined && snapshot.scenario === undefined
    setText(
      this.#runTitle,
      title === undefined ? 'Nothing runs yet: choose a scenario, then Start' : isOver ? `${title} (stopped)` : title,
    )
    const rows = lanesInWords(this.#model, end).map(([lane, times, known]) => [
      lane.state === 'dead' ? `${lane.title} (dead)` : lane.title,
      ...shareStates.map((each) => percent((times.get(each) ?? 0) / (known || 1))),
    ])
    fillRows(bodyOf(this.#laneTable), rows)
    setText(this.#asOf, `as of ${seconds(end)}`)
    setText(this.#more, hidden === 0 ? '' : `${hidden} more live that have no row here.`)
    this.#main.dataset.writtenAt = String(snapshot.time)
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    clearTimeout(this.#glide)
    this.#glide = undefined
    requestAnimationFrame((now) => this.#draw(now))
  }

  #draw(now: number): void {
    this.#isScheduled = false
    const { newest } = this.#clock
    if (reducedMotion() && this.#model.isRunning) {
      if (newest - this.#steppedAt < textMs) return
      this.#steppedAt = newest
    }
    const { end, isRunning } = this.#model
    const until = isRunning && !reducedMotion() ? this.#clock.shownUntil(now) : end
    this.#timeline.paint(until)
    if (this.#hasNews && (!isRunning || end - this.#chartedAt >= chartMs || end < this.#chartedAt)) {
      for (const panel of this.#panels) panel.draw(end)
      this.#chartedAt = end
      this.#hasNews = false
    }
    if (isRunning && until < newest && !reducedMotion()) this.#glide = setTimeout(() => this.#schedule(), glideMs)
  }
}

new LivePage()
