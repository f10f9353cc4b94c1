import type { LaneState } from '@heddle/demo/serve/protocol.js'
import { theme } from './theme.js'

/** What is drawn on: `height` in its own pixels, `unit` of them to a pixel of the page. */
export interface Surface {
  readonly context: CanvasRenderingContext2D
  readonly height: number
  readonly unit: number
}

/**
 * Draws a state from `begin` to `end`. Each has a shape of its own, so that colour is never all that tells them apart:
 * running is a full bar, holding two rails, waiting a low hatched bar, starting dots, idle a thin line at the bottom, dead a
 * cross where it began and a broken line from there on.
 *
 * A stretch narrower than a pixel shows as much weaker: many of them side by side show their share of the time.
 */
export function drawState(surface: Surface, state: LaneState, begin: number, end: number, isBegin: boolean): void {
  const { context, height, unit } = surface
  const width = end - begin
  const colour = theme().states[state]
  context.fillStyle = colour
  switch (state) {
    case 'running':
      context.fillRect(begin, 2 * unit, width, height - 4 * unit)
      return
    case 'holding': {
      const rail = Math.round((height - 4 * unit) * 0.36)
      context.fillRect(begin, 2 * unit, width, rail)
      context.fillRect(begin, height - 2 * unit - rail, width, rail)
      return
    }
    case 'waiting': {
      const top = Math.round(height * 0.5)
      context.fillRect(begin, top, width, unit)
      context.fillStyle = tile(surface, 'hatch', colour)
      context.fillRect(begin, top, width, height - 2 * unit - top)
      return
    }
    case 'starting':
      context.fillStyle = tile(surface, 'dots', colour)
      context.fillRect(begin, Math.round(height * 0.25), width, Math.round(height * 0.5))
      return
    case 'idle':
      context.fillRect(begin, height - 4 * unit, width, 2 * unit)
      return
    case 'dead':
      context.fillStyle = tile(surface, 'dashes', colour)
      context.fillRect(begin, Math.round(height / 2 - unit), width, 2 * unit)
      if (isBegin) drawCross(surface, begin, colour)
  }
}

/** How far the cross of a death reaches beyond the moment itself, in pixels of the page. */
export const crossSize = 6

function drawCross({ context, height, unit }: Surface, x: number, colour: string): void {
  const reach = crossSize * unit
  const y = height / 2
  context.strokeStyle = colour
  context.lineWidth = 2.5 * unit
  context.beginPath()
  context.moveTo(x - reach, y - reach)
  context.lineTo(x + reach, y + reach)
  context.moveTo(x - reach, y + reach)
  context.lineTo(x + reach, y - reach)
  context.stroke()
}

type Pattern = 'hatch' | 'dots' | 'dashes'

const tiles = new Map<string, HTMLCanvasElement>()

/** A pattern repeats from the context's origin, which is a moment in time: it moves along with what it fills. */
function tile({ context, unit }: Surface, pattern: Pattern, colour: string): CanvasPattern | string {
  const key = `${pattern} ${colour} ${unit}`
  let canvas = tiles.get(key)
  if (canvas === undefined) {
    canvas = drawTile(pattern, colour, unit)
    tiles.set(key, canvas)
  }
  return context.createPattern(canvas, 'repeat') ?? colour
}

function drawTile(pattern: Pattern, colour: string, unit: number): HTMLCanvasElement {
  const size = Math.round((pattern === 'dashes' ? 10 : 6) * unit)
  const canvas = document.createElement('canvas')
  canvas.width = size
  canvas.height = pattern === 'dashes' ? 1 : size
  const context = canvas.getContext('2d')
  if (context === null) return canvas
  context.fillStyle = colour
  context.strokeStyle = colour
  context.lineWidth = 2 * unit
  if (pattern === 'dashes') context.fillRect(0, 0, size * 0.6, 1)
  else if (pattern === 'dots') {
    context.fillRect(0, 0, size / 2, size / 2)
  } else {
    // Three times, so that the stroke's ends meet those of the tiles beside it.
    context.beginPath()
    for (const shift of [-size, 0, size]) {
      context.moveTo(shift - size, size * 2)
      context.lineTo(shift + size * 2, -size)
    }
    context.stroke()
  }
  return canvas
}
