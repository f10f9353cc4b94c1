import type { LimiterView, Percentiles, PoolView, QueueView, Snapshot } from '@heddle/demo/serve/protocol.js'
import { bodyOf, create, createTable, fillRows, setText } from './dom.js'
import { figure, milliseconds } from './format.js'
import { LockPanel } from './lock-panel.js'
import { type Line, TimeChart } from './time-chart.js'
import type { Extent } from './time-series.js'

/** A part of the page that shows one thing of a run, such as a queue. */
export interface Panel {
  readonly section: HTMLElement
  /** Takes in a snapshot; what is seen stays as it is until drawn or written. */
  push(snapshot: Snapshot): void
  draw(time: number): void
  redraw(): void
  /** Brings the texts up to date. */
  write(snapshot: Snapshot): void
  /** From the newest snapshot until the next nothing is known. */
  gap(time: number): void
  close(): void
}

/** The panels of what is in this snapshot, in the order of the page. */
export function panelsOf(snapshot: Snapshot): readonly Panel[] {
  return [
    ...(snapshot.locks.length > 0 ? [new LockPanel(snapshot.locks)] : []),
    ...snapshot.queues.map((view) => queuePanel(view)),
    ...snapshot.limiters.map((view) => limiterPanel(view)),
    ...snapshot.pools.flatMap((view) => [poolPanel(view), latencyPanel(view)]),
  ]
}

/** What panels of this snapshot would be there: when it changes, others are needed. */
export function panelsKey({ locks, queues, limiters, pools }: Snapshot): string {
  const names = (views: readonly { readonly name: string }[]) => views.map(({ name }) => name)
  return JSON.stringify([locks.length > 0, names(queues), names(limiters), names(pools)])
}

function queuePanel({ name, capacity }: QueueView): Panel {
  return new ChartPanel<QueueView>({
    title: `Queue: ${name}`,
    chart: `How many items are in the queue ${name}, and its capacity, over the last 15 seconds. The numbers stand below.`,
    lines: [area('items in it'), limit('capacity')],
    top: Math.max(1, capacity) * 1.1,
    fixed: true,
    find: ({ queues }) => queues.find((each) => each.name === name),
    values: ({ size, capacity }) => [size, capacity],
    numbers: figures((view, [items]) => ({
      Now: figure(view.size),
      Least: bound(items?.least),
      Most: bound(items?.most),
      Capacity: figure(view.capacity),
      Put: figure(view.put),
      Got: figure(view.got),
    })),
  })
}

function limiterPanel({ name, capacity }: LimiterView): Panel {
  return new ChartPanel<LimiterView>({
    title: `Limiter: ${name}`,
    chart: `The level of the bucket of ${name}, and what fits into it, over the last 15 seconds. The numbers stand below.`,
    lines: [area('in the bucket'), limit('capacity')],
    top: Math.max(1, capacity) * 1.1,
    fixed: true,
    find: ({ limiters }) => limiters.find((each) => each.name === name),
    values: ({ level, capacity }) => [level, capacity],
    numbers: figures((view, [bucket]) => ({
      Now: figure(view.level),
      Least: bound(bucket?.least),
      Most: bound(bucket?.most),
      Capacity: figure(view.capacity),
      Granted: figure(view.granted),
      Waiting: figure(view.waiting),
    })),
  })
}

function poolPanel({ name }: PoolView): Panel {
  return new ChartPanel<PoolView>({
    title: `Pool: ${name}`,
    chart: `How many tasks of the pool ${name} run, and how many are queued, over the last 15 seconds. The numbers stand below.`,
    lines: [area('running'), { label: 'queued', colour: 'second', stroke: 'dashed', area: false }],
    top: 5,
    fixed: false,
    find: ({ pools }) => pools.find((each) => each.name === name),
    values: ({ running, queued }) => [running, queued],
    numbers: figures((view, [, line]) => ({
      Running: figure(view.running),
      Queued: figure(view.queued),
      'Most queued': bound(line?.most),
      Succeeded: figure(view.succeeded),
      Failed: figure(view.failed),
      Crashes: figure(view.crashes),
    })),
  })
}

function latencyPanel({ name }: PoolView): Panel {
  return new ChartPanel<PoolView>({
    title: `Latency: ${name}`,
    chart: `How long tasks of the pool ${name} run, in milliseconds, as percentiles over the last 15 seconds. The numbers stand below.`,
    lines: [
      { label: 'p50, run', colour: 'first', stroke: 'solid', area: false },
      { label: 'p95, run', colour: 'second', stroke: 'dashed', area: false },
      { label: 'p99, run', colour: 'third', stroke: 'dotted', area: false },
    ],
    top: 1,
    fixed: false,
    find: ({ pools }) => pools.find((each) => each.name === name),
    values: ({ runMs }) => [runMs?.p50, runMs?.p95, runMs?.p99],
    numbers: latencies(name),
  })
}

interface ChartPanelOptions<View> {
  readonly title: string
  readonly chart: string
  readonly lines: readonly Line[]
  readonly top: number
  readonly fixed: boolean
  readonly find: (snapshot: Snapshot) => View | undefined
  readonly values: (view: View) => readonly (number | undefined)[]
  readonly numbers: Numbers<View>
}

/** What a chart shows, as text. */
interface Numbers<View> {
  readonly element: HTMLElement
  write(view: View, extents: readonly Extent[]): void
}

/** Figures with their names, six at most. */
function figures<View>(
  of: (view: View, extents: readonly Extent[]) => Readonly<Record<string, string>>,
): Numbers<View> {
  const element = create('dl', { class: 'figures' })
  const values = new Map<string, HTMLElement>()
  const write = (view: View, extents: readonly Extent[]) => {
    for (const [name, text] of Object.entries(of(view, extents))) {
      let value = values.get(name)
      if (value === undefined) {
        value = create('dd')
        values.set(name, value)
        element.append(create('div', {}, create('dt', { text: name }), value))
      }
      setText(value, text)
    }
  }
  return { element, write }
}

function latencies(name: string): Numbers<PoolView> {
  const caption = `How long tasks of ${name} wait and run: half, 95 % and 99 % of them take no longer`
  const element = createTable(caption, ['Tasks', 'p50', 'p95', 'p99'], 'latency')
  const row = (title: string, times: Percentiles | undefined) => [
    title,
    ...[times?.p50, times?.p95, times?.p99].map((value) => (value === undefined ? '–' : milliseconds(value))),
  ]
  return { element, write: ({ waitMs, runMs }) => fillRows(bodyOf(element), [row('wait', waitMs), row('run', runMs)]) }
}

/** A chart, and below it the same as text. */
class ChartPanel<View> implements Panel {
  readonly section: HTMLElement
  readonly #options: ChartPanelOptions<View>
  readonly #chart: TimeChart

  constructor(options: ChartPanelOptions<View>) {
    const { title, chart: label, lines, top, fixed, numbers } = options
    this.#options = options
    this.#chart = new TimeChart({ label, lines, top, fixed })
    this.section = createSection(title, this.#chart.figure, numbers.element)
  }

  push(snapshot: Snapshot): void {
    const view = this.#options.find(snapshot)
    if (view !== undefined) this.#chart.push(snapshot.time, this.#options.values(view))
  }

  draw(time: number): void {
    this.#chart.draw(time)
  }

  redraw(): void {
    this.#chart.redraw()
  }

  write(snapshot: Snapshot): void {
    const { find, numbers, lines } = this.#options
    const view = find(snapshot)
    if (view === undefined) return
    numbers.write(
      view,
      lines.map((_, at) => this.#chart.extent(at)),
    )
  }

  gap(time: number): void {
    this.#chart.push(time, [])
  }

  close(): void {
    this.#chart.close()
    this.section.remove()
  }
}

let sections = 0

/** A section of the page, named by its heading. */
export function createSection(title: string, ...children: readonly Node[]): HTMLElement {
  const id = `panel-${++sections}`
  const heading = create('h2', { text: title, attributes: { id } })
  return create('section', { class: 'panel', attributes: { 'aria-labelledby': id } }, heading, ...children)
}

function area(label: string): Line {
  return { label, colour: 'first', stroke: 'solid', area: true }
}

function limit(label: string): Line {
  return { label, colour: 'limit', stroke: 'dashed', area: false }
}

function bound(value: number | undefined): string {
  return value === undefined ? '–' : figure(value)
}
