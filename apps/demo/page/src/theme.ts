import type { LaneState } from '@heddle/demo/serve/protocol.js'

/** Colours that canvases draw with. They stand in the style sheet, so that light, dark and forced colours are told there once. */
export interface Theme {
  readonly states: Readonly<Record<LaneState, string>>
  readonly first: string
  readonly second: string
  readonly third: string
  readonly limit: string
  readonly text: string
  readonly grid: string
}

const schemes = ['(prefers-color-scheme: dark)', '(forced-colors: active)'] as const
const motion = window.matchMedia('(prefers-reduced-motion: reduce)')

let current = read()

/** The colours as they are now. */
export function theme(): Theme {
  return current
}

/** Calls `listener` when the colours are others. */
export function onThemeChange(listener: () => void): void {
  for (const query of schemes)
    window.matchMedia(query).addEventListener('change', () => {
      current = read()
      listener()
    })
}

/** Whether whoever looks wants nothing to glide: pictures then advance once a second. */
export function reducedMotion(): boolean {
  return motion.matches
}

function read(): Theme {
  const style = getComputedStyle(document.documentElement)
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim()
  return {
    states: {
      starting: colour('starting'),
      idle: colour('idle'),
      running: colour('running'),
      waiting: colour('waiting'),
      holding: colour('holding'),
      dead: colour('dead'),
    },
    first: colour('running'),
    second: colour('waiting'),
    third: colour('starting'),
    limit: colour('dead'),
    text: colour('muted'),
    grid: colour('line'),
  }
}
