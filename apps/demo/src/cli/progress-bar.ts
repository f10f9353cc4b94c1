import type { Progress } from '../index-job/job.js'
import { clock, megabytes, wholes } from './figures.js'
import type { Screen } from './screen.js'

const redrawMs = 100
const barWidth = 24
/** Without a terminal: a line after this long, then after twice as long again and again, so that there are only few. */
const firstLineMs = 5_000

/** Shows how far a job is, until it is disposed of: a bar on a terminal, a line from time to time elsewhere. */
export class ProgressBar implements Disposable {
  readonly #screen: Screen
  readonly #progress: Progress
  readonly #begun = performance.now()
  readonly #timer: NodeJS.Timeout
  #nextLineMs = firstLineMs

  constructor(screen: Screen, progress: Progress) {
    this.#screen = screen
    this.#progress = progress
    this.#timer = setInterval(() => this.#show(), redrawMs)
    this.#timer.unref()
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#screen.clear()
  }

  #show(): void {
    const elapsed = performance.now() - this.#begun
    const text = describeProgress(this.#progress, elapsed)
    if (this.#screen.live) this.#screen.draw(text)
    else if (elapsed >= this.#nextLineMs) {
      this.#nextLineMs *= 2
      this.#screen.line(text)
    }
  }
}

/** One line: a bar when it is known how much there is, else only figures. */
export function describeProgress(progress: Progress, elapsedMs: number): string {
  const { walked, foundFiles, foundBytes, doneFiles, doneBytes } = progress
  const speed = `${megabytes(doneBytes / (elapsedMs / 1_000))} MB/s  ${clock(elapsedMs)}`
  if (!walked) return `${wholes(doneFiles)} files done, ${wholes(foundFiles)} found so far  ${speed}`
  const share = foundBytes > 0 ? doneBytes / foundBytes : foundFiles > 0 ? doneFiles / foundFiles : 1
  const filled = Math.min(barWidth, Math.floor(share * barWidth))
  const bar = `[${'#'.repeat(filled)}${'-'.repeat(barWidth - filled)}]`
  return `${bar} ${Math.floor(share * 100)} %  ${wholes(doneFiles)} of ${wholes(foundFiles)} files  ${speed}`
}
