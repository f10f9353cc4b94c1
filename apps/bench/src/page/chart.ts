import type { GateRow } from '../report.js'

const rowHeight = 26
const labelWidth = 220
const plotWidth = 420
const valueWidth = 130
const top = 34
/** The axis ends here to both sides, in powers of ten; what lies beyond is drawn at the end. */
const mostDecades = 2

/**
 * One bar for each gate: how many times better than its goal the figure is. From the line on to the right it is met. The axis
 * is logarithmic, the thin line is the spread of the rounds.
 */
export function drawChart(title: string, rows: readonly GateRow[]): string {
  const width = labelWidth + plotWidth + valueWidth
  const height = top + rows.length * rowHeight + 12
  const met = rows.filter(({ ok }) => ok).length
  const marks = Array.from({ length: 2 * mostDecades + 1 }, (_, index) => {
    const decade = index - mostDecades
    const x = xOf(10 ** decade)
    const label = decade === 0 ? 'goal' : decade > 0 ? `${10 ** decade} ×` : `1/${10 ** -decade}`
    return `<line class="${decade === 0 ? 'goal' : 'grid'}" x1="${x}" y1="${top - 6}" x2="${x}" y2="${height - 8}"/><text class="axis" x="${x}" y="${top - 12}" text-anchor="middle">${label}</text>`
  })
  const bars = rows.map((row, index) => drawBar(row, top + index * rowHeight))
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title description">
<title id="title">${escapeText(title)}</title>
<desc id="description">${met} of ${rows.length} gates are met. The table beside it has all figures.</desc>
<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328 } .axis { font-size: 11px; fill: #59636e } .grid { stroke: #d1d9e0 } .goal { stroke: #1f2328; stroke-width: 1.5 }
.met { fill: #1a7f37 } .missed { fill: #bc4c00 } .spread { stroke: #1f2328; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) { text { fill: #f0f6fc } .axis { fill: #9198a1 } .grid { stroke: #3d444d } .goal, .spread { stroke: #f0f6fc } .met { fill: #3fb950 } .missed { fill: #f0883e } }
</style>
${marks.join('\n')}
${bars.join('\n')}
</svg>
`
}

function drawBar(row: GateRow, y: number): string {
  const middle = y + rowHeight / 2
  const label = `<text x="${labelWidth - 10}" y="${middle + 4}" text-anchor="end">${escapeText(row.gate)}</text>`
  if ('skipped' in row)
    return `${label}<text class="axis" x="${xOf(1) + 8}" y="${middle + 4}">${row.failed ? 'failed' : 'skipped'}</text>`
  const [from, to] = [xOf(1), xOf(margin(row.value, row.goal))]
  const [low, high] = row.spread.map((value) => xOf(margin(value, row.goal))) as [number, number]
  const bar = `<rect class="${row.ok ? 'met' : 'missed'}" x="${Math.min(from, to)}" y="${y + 5}" width="${Math.max(1, Math.abs(to - from))}" height="${rowHeight - 10}"/>`
  const spread = `<line class="spread" x1="${low}" y1="${middle}" x2="${high}" y2="${middle}"/>`
  const figure = `<text x="${labelWidth + plotWidth + 10}" y="${middle + 4}">${row.value} (${escapeText(row.goal)})</text>`
  return `${label}${bar}${spread}${figure}`
}

/** How many times better than its goal a figure is; below 1 it misses it. */
export function margin(value: number, goal: string): number {
  const [direction, text] = goal.split(' ')
  const bound = Number(text)
  // Some goals are 0, and some figures: they are met or not, and have no ratio.
  if (bound === 0 || value <= 0) return (direction === '<=' ? value <= bound : value >= bound) ? 10 : 0.1
  return direction === '<=' ? bound / value : value / bound
}

function xOf(times: number): number {
  const decades = Math.min(mostDecades, Math.max(-mostDecades, Math.log10(times)))
  return Math.round((labelWidth + ((decades + mostDecades) / (2 * mostDecades)) * plotWidth) * 10) / 10
}

const escapeText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
