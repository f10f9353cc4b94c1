import type { Lane, LaneState } from '@heddle/demo/serve/protocol.js'
import { create, setAttribute, setText } from './dom.js'
import { LaneHistory } from './lane-history.js'
import { type Row, type RunModel, windowMs } from './run-model.js'
import { drawState } from './state-shapes.js'
import { Track } from './track.js'

/** What each state is called, and what its picture means. */
const legend: readonly (readonly [LaneState, string])[] = [
  ['running', 'running'],
  ['holding', 'holding a lock'],
  ['waiting', 'waiting'],
  ['idle', 'idle'],
  ['starting', 'starting'],
  ['dead', 'dead'],
]

interface RowView {
  readonly item: HTMLLIElement
  readonly title: HTMLElement
  readonly where: HTMLElement
  readonly state: HTMLElement
  readonly on: HTMLElement
  readonly kill: HTMLButtonElement
  readonly track: Track
}

/** The rows of lanes: their names and Kill buttons as elements of the page, what they did as pictures. */
export class Timeline {
  readonly #list: HTMLOListElement
  readonly #model: RunModel
  readonly #kill: (lane: number) => void
  readonly #views: RowView[] = []
  readonly #resized: ResizeObserver

  constructor(list: HTMLOListElement, model: RunModel, kill: (lane: number) => void) {
    this.#list = list
    this.#model = model
    this.#kill = kill
    this.#resized = new ResizeObserver((entries) => {
      for (const { target } of entries) {
        const at = this.#views.findIndex(({ track }) => track.canvas === target)
        if (at >= 0) this.#resize(at)
      }
    })
    this.#matchRows()
  }

  /** Paints what the lanes did until `time`. */
  paint(time: number): void {
    this.#matchRows()
    this.#model.rows.forEach((row, at) => {
      this.#views[at]?.track.paint(row, time)
    })
  }

  /** Nothing painted holds any more: other colours, or another run. */
  forget(): void {
    for (const { track } of this.#views) track.forget()
  }

  /** Brings the texts up to date; only those of lanes that came or went when `onlyEvents`. */
  write(onlyEvents: boolean): void {
    this.#matchRows()
    this.#model.rows.forEach((row, at) => {
      const view = this.#views[at]
      if (view && (!onlyEvents || isEvent(view, row))) writeRow(view, row.lane)
    })
  }

  /** As many rows as the model has, which are more only when very many lanes live at once. */
  #matchRows(): void {
    while (this.#views.length < this.#model.rows.length) this.#views.push(this.#addRow())
    while (this.#views.length > this.#model.rows.length) {
      const view = this.#views.pop()
      if (view === undefined) return
      this.#resized.unobserve(view.track.canvas)
      view.item.remove()
    }
  }

  #addRow(): RowView {
    const title = create('span', { class: 'lane-title' })
    const where = create('span', { class: 'lane-where' })
    const state = create('span', { class: 'lane-state' })
    const on = create('span', { class: 'lane-on' })
    const canvas = create('canvas', { class: 'track', attributes: { 'aria-hidden': 'true' } })
    const kill = create('button', { class: 'kill', attributes: { type: 'button' } })
    const item = create(
      'li',
      { class: 'lane' },
      create('span', { class: 'lane-name' }, title, where),
      create('span', { class: 'lane-now' }, state, on),
      canvas,
      kill,
    )
    const view = { item, title, where, state, on, kill, track: new Track(canvas) }
    kill.addEventListener('click', () => {
      const id = Number(item.dataset.lane)
      if (kill.getAttribute('aria-disabled') !== 'true' && !Number.isNaN(id)) this.#kill(id)
    })
    writeRow(view, undefined)
    this.#list.append(item)
    this.#resized.observe(canvas)
    return view
  }

  /** Brings the pictures to the pixels that the screen has now. */
  fit(): void {
    this.#views.forEach((_, at) => {
      this.#resize(at)
    })
  }

  #resize(at: number): void {
    const view = this.#views[at]
    const row = this.#model.rows[at]
    if (view === undefined || row === undefined) return
    const { clientWidth, clientHeight } = view.track.canvas
    const unit = window.devicePixelRatio
    view.track.resize(Math.round(clientWidth * unit), Math.round(clientHeight * unit), unit)
    row.staleFrom = 0
    this.#onResized?.()
  }

  #onResized: (() => void) | undefined

  /** Calls `listener` when there is something to paint although nothing came. */
  onResize(listener: () => void): void {
    this.#onResized = listener
  }
}

/** Draws the legend's pictures with the same strokes as the timeline. */
export function createLegend(list: HTMLUListElement): () => void {
  const tracks = legend.map(([state, text]) => {
    const canvas = create('canvas', { class: 'swatch', attributes: { 'aria-hidden': 'true' } })
    list.append(create('li', {}, canvas, create('span', { text })))
    return [canvas, state] as const
  })
  return () => {
    for (const [canvas, state] of tracks) {
      const unit = window.devicePixelRatio
      canvas.width = Math.round(canvas.clientWidth * unit)
      canvas.height = Math.round(canvas.clientHeight * unit)
      const context = canvas.getContext('2d')
      if (context === null) continue
      const begin = state === 'dead' ? canvas.width / 3 : 0
      drawState({ context, height: canvas.height, unit }, state, begin, canvas.width, true)
    }
  }
}

/** Whether something happened that must be seen at once: another lane in the row, its death, its button's end. */
function isEvent(view: RowView, { lane }: Row): boolean {
  const { dataset } = view.item
  if (lane === undefined) return dataset.lane !== undefined
  if (dataset.lane !== String(lane.id)) return true
  return (dataset.state === 'dead') !== (lane.state === 'dead') || isKillable(view) !== lane.canKill
}

function isKillable({ kill }: RowView): boolean {
  return kill.getAttribute('aria-disabled') === 'false'
}

function writeRow(view: RowView, lane: Lane | undefined): void {
  const { item, title, where, state, on, kill } = view
  if (lane === undefined) {
    delete item.dataset.lane
    delete item.dataset.state
    // What has the focus must not be hidden from whoever hears it.
    if (!item.contains(document.activeElement)) item.setAttribute('aria-hidden', 'true')
  } else {
    item.dataset.lane = String(lane.id)
    item.dataset.state = lane.state
    item.removeAttribute('aria-hidden')
  }
  setText(title, lane?.title ?? '')
  setText(where, lane === undefined ? '' : whereOf(lane))
  setText(state, lane?.state ?? '')
  setText(on, lane?.on ?? '')
  const canKill = lane?.canKill ?? false
  setAttribute(kill, 'aria-disabled', String(!canKill))
  const verb = lane?.killVerb ?? 'Kill'
  setText(kill, verb)
  setAttribute(kill, 'aria-label', lane === undefined ? verb : `${verb} ${lane.title}`)
  // A button that has the focus stays, so that the focus does: it then says that it can do nothing.
  kill.classList.toggle('absent', !canKill && document.activeElement !== kill)
}

/** The number that the operating system, or Node, knows it by. */
function whereOf({ kind, pid, threadId }: Lane): string {
  if (kind === 'process' && pid !== undefined) return `process ${pid}`
  if (kind === 'thread' && threadId !== undefined) return `thread ${threadId}`
  return kind
}

/** For tables: the lanes that have a row, with what each did in the window before `time`. */
export function lanesInWords(
  model: RunModel,
  time: number,
): readonly (readonly [Lane, Map<LaneState, number>, number])[] {
  return model.rows.flatMap(({ lane, lanes }) => {
    if (lane === undefined) return []
    const history = lanes.at(-1)?.history ?? new LaneHistory()
    const times = history.timeIn(time - windowMs, time)
    const known = [...times.values()].reduce((sum, ms) => sum + ms, 0)
    return [[lane, times, known] as const]
  })
}
