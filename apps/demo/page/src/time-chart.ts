import type uPlot from 'uplot'
import Plot from '../vendor/uplot.js'
import { create } from './dom.js'
import { windowMs } from './run-model.js'
import { type Theme, theme } from './theme.js'
import { type Extent, TimeSeries } from './time-series.js'

export interface Line {
  readonly label: string
  readonly colour: 'first' | 'second' | 'third' | 'limit'
  /** Lines differ in their strokes as well as in their colours. */
  readonly stroke: 'solid' | 'dashed' | 'dotted'
  /** Whether the value holds until the next one, and the space below is filled. */
  readonly area: boolean
}

export interface ChartOptions {
  /** What a reader of the page hears instead of the picture. */
  readonly label: string
  readonly lines: readonly Line[]
  /** The top of the scale at least; it grows with the values. */
  readonly top: number
  /** Whether the scale ends at `top`, whatever comes. */
  readonly fixed: boolean
}

const height = 168
const dashes = { solid: [], dashed: [8, 5], dotted: [2, 4] } as const

/** Between the numbers of a scale. */
const steps = [-1, 0, 1, 2, 3, 4].flatMap((power) => [1, 2, 5].map((step) => step * 10 ** power))

/** Numbers over the last seconds, one line each, with the moment that is now at the right. */
export class TimeChart {
  readonly figure: HTMLElement
  readonly #options: ChartOptions
  readonly #holder: HTMLElement
  readonly #resized: ResizeObserver
  readonly #series: TimeSeries
  #plot: uPlot | undefined

  constructor(options: ChartOptions) {
    this.#options = options
    this.#series = new TimeSeries(options.lines.length)
    this.#holder = create('div', { class: 'chart', attributes: { role: 'img', 'aria-label': options.label } })
    const key = create('ul', { class: 'chart-key' })
    for (const { label, colour, stroke } of options.lines)
      key.append(
        create('li', {}, create('span', { class: `key key-${colour} key-${stroke}` }), create('span', { text: label })),
      )
    this.figure = create('figure', {}, this.#holder, create('figcaption', {}, key))
    this.#resized = new ResizeObserver(() => this.#fit())
    this.#resized.observe(this.#holder)
  }

  /** One value for each line; undefined: not known. */
  push(time: number, values: readonly (number | undefined)[]): void {
    this.#series.push(time, values)
  }

  /** Shows the window that ends at `time`. */
  draw(time: number): void {
    this.#plot?.setData(this.#series.seenFrom(time))
  }

  /** Draws the same again, in the colours of now. */
  redraw(): void {
    this.#plot?.redraw(false)
  }

  extent(line: number): Extent {
    return this.#series.extent(line)
  }

  close(): void {
    this.#resized.disconnect()
    this.#plot?.destroy()
  }

  #fit(): void {
    const width = this.#holder.clientWidth
    if (width === 0) return
    if (this.#plot) this.#plot.setSize({ width, height })
    else this.#plot = new Plot(this.#plotOptions(width), [[], ...this.#options.lines.map(() => [])], this.#holder)
  }

  #plotOptions(width: number): uPlot.Options {
    const { lines, top, fixed } = this.#options
    const axis: uPlot.Axis = {
      stroke: () => theme().text,
      font: '12px system-ui, sans-serif',
      grid: { stroke: () => theme().grid, width: 1 },
      ticks: { show: false },
    }
    return {
      width,
      height,
      pxAlign: 1,
      padding: [8, 18, 0, 0],
      cursor: { show: false },
      legend: { show: false },
      select: { show: false, left: 0, top: 0, width: 0, height: 0 },
      scales: {
        x: { time: false, range: () => [-windowMs / 1_000, 0] },
        y: { range: (_, __, most) => [0, fixed ? top : Math.max(top, niceTop(most))] },
      },
      axes: [
        { ...axis, size: 24, splits: () => [-15, -10, -5, 0], values: (_, splits) => splits.map(agoInWords) },
        { ...axis, size: 44, space: 36, incrs: steps },
      ],
      series: [{}, ...lines.map((line) => seriesOf(line))],
    }
  }
}

function seriesOf({ label, colour, stroke, area }: Line): uPlot.Series {
  const of = (each: Theme) => each[colour]
  const stepped = area ? Plot.paths.stepped?.({ align: 1 }) : undefined
  return {
    label,
    stroke: () => of(theme()),
    width: 2,
    dash: [...dashes[stroke]],
    points: { show: false },
    ...(area && { fill: () => `color-mix(in srgb, ${of(theme())} 18%, transparent)` }),
    ...(stepped && { paths: stepped }),
  }
}

function agoInWords(value: number): string {
  return value === 0 ? 'now' : `−${-value} s`
}

/** 1, 2 or 5 times a power of ten, so that the scale changes seldom. */
function niceTop(most: number | null): number {
  const value = Math.max(most ?? 0, 1e-6) * 1.05
  const power = 10 ** Math.floor(Math.log10(value))
  return (([1, 2, 5, 10] as const).find((step) => step * power >= value) ?? 10) * power
}
