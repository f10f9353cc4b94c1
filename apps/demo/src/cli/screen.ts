/** The part of a terminal's or file's stream that is used. */
export interface OutputStream {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/**
 * The error stream of a command: lines that stay, and on a terminal one line at the bottom that is drawn again and again.
 */
export class Screen {
  /** Whether there is a terminal that a line can be redrawn on. */
  readonly live: boolean
  readonly #stream: OutputStream
  #drawn = false

  constructor(stream: OutputStream) {
    this.#stream = stream
    this.live = stream.isTTY === true && process.env.TERM !== 'dumb'
  }

  /** Prints a line that stays. */
  line(text: string): void {
    this.clear()
    this.#stream.write(`${text}\n`)
  }

  /** Draws the bottom line, cut to the terminal's width so that it stays one line. Only on a terminal. */
  draw(text: string): void {
    if (!this.live) return
    this.#stream.write(`\r${text.slice(0, Math.max(1, (this.#stream.columns || 80) - 1))}\x1b[K`)
    this.#drawn = true
  }

  /** Takes the bottom line away. */
  clear(): void {
    if (this.#drawn) this.#stream.write('\r\x1b[K')
    this.#drawn = false
  }
}
