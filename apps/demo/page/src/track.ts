import { type Row, windowMs } from './run-model.js'
import { crossSize, drawState, type Surface } from './state-shapes.js'

/**
 * The picture of one row: the last seconds, the newest at the right.
 *
 * A moment `t` always lies `t * scale` pixels from the beginning of time, so to go on means to shift the picture by whole
 * pixels and to paint only what is new: what costs time is a strip of a pixel or two, however much the window holds.
 */
export class Track {
  readonly canvas: HTMLCanvasElement
  readonly #context: CanvasRenderingContext2D
  /** Painted up to this pixel since the beginning of time; undefined: not at all. */
  #painted: number | undefined
  #unit = 1

  constructor(canvas: HTMLCanvasElement) {
    const context = canvas.getContext('2d')
    if (context === null) throw new Error('this browser draws nothing on a canvas')
    this.canvas = canvas
    this.#context = context
  }

  /** The picture's size in the pixels of the screen, of which `unit` make one of the page. */
  resize(width: number, height: number, unit: number): void {
    if (this.canvas.width === width && this.canvas.height === height && this.#unit === unit) return
    this.canvas.width = width
    this.canvas.height = height
    this.#unit = unit
    this.forget()
  }

  /** All is to be painted anew. */
  forget(): void {
    this.#painted = undefined
  }

  /** Shows what the row's lanes did until `time`. */
  paint(row: Row, time: number): void {
    const { width } = this.canvas
    if (width === 0 || (row.lanes.length === 0 && this.#painted !== undefined)) return
    const scale = width / windowMs
    const right = Math.floor(time * scale)
    const left = right - width
    const before = this.#painted
    const staleFrom = Math.floor(row.staleFrom * scale) - crossSize * this.#unit
    if (before === right && staleFrom >= right) return
    const isNear = before !== undefined && right >= before && right - before < width
    if (isNear) this.#shift(right - before)
    const from = isNear ? Math.max(left, Math.min(before - crossSize * this.#unit, staleFrom)) : left
    this.#paintStrip(row, from, right, left, scale)
    this.#painted = right
    row.staleFrom = Infinity
  }

  #shift(by: number): void {
    if (by === 0) return
    const context = this.#context
    context.globalCompositeOperation = 'copy'
    context.drawImage(this.canvas, -by, 0)
    context.globalCompositeOperation = 'source-over'
  }

  #paintStrip(row: Row, from: number, right: number, left: number, scale: number): void {
    const { height } = this.canvas
    const context = this.#context
    const surface: Surface = { context, height, unit: this.#unit }
    context.save()
    context.translate(-left, 0)
    context.clearRect(from, 0, right - from, height)
    context.beginPath()
    context.rect(from, 0, right - from, height)
    context.clip()
    row.lanes.forEach(({ history }, at) => {
      // A lane's picture ends where the next one's in the same row begins.
      const until = Math.min(row.lanes[at + 1]?.history.begin ?? Infinity, (right + crossSize * this.#unit) / scale)
      // A death a little before the strip reaches into it with its cross.
      history.between((from - 2 * crossSize * this.#unit) / scale, until, (span, begin, end) => {
        if (span.state !== undefined) drawState(surface, span.state, begin * scale, end * scale, begin === span.from)
      })
    })
    context.restore()
  }
}
