import type { Snapshot } from '@heddle/demo/serve/protocol.js'
import { create, setText } from './dom.js'
import { seconds } from './format.js'

const mostNotes = 200
/** Notes are read out at most this often; those in between are told as a number. */
const speakMs = 4_000

/**
 * The log. What is seen is all of it; what is read out is another element, which takes the newest no faster than a listener
 * can bear.
 */
export class Notes {
  readonly #list: HTMLOListElement
  readonly #spoken: HTMLElement
  /** What was not read out yet: the newest, and how many there are before it. */
  #newest: string | undefined
  #more = 0
  #isSpeaking = false

  constructor(list: HTMLOListElement, spoken: HTMLElement) {
    this.#list = list
    this.#spoken = spoken
    // Whoever has no mouse scrolls it with the arrow keys.
    list.tabIndex = 0
  }

  add(notes: Snapshot['notes']): void {
    if (notes.length === 0) return
    const { scrollTop, scrollHeight, clientHeight } = this.#list
    const isAtEnd = scrollTop + clientHeight >= scrollHeight - 4
    for (const { time, text } of notes.slice(-mostNotes)) {
      const note = create(
        'li',
        {},
        create('span', { class: 'note-time', text: seconds(time) }),
        create('span', { text }),
      )
      this.#list.append(note)
      if (this.#newest !== undefined) this.#more += 1
      this.#newest = text
    }
    while (this.#list.childElementCount > mostNotes) this.#list.firstElementChild?.remove()
    // Who has scrolled up to read is left in peace.
    if (isAtEnd) this.#list.scrollTop = this.#list.scrollHeight
    if (this.#isSpeaking) return
    this.#isSpeaking = true
    setTimeout(() => this.#speak(), 250)
  }

  #speak(): void {
    const newest = this.#newest
    this.#isSpeaking = newest !== undefined
    if (newest === undefined) return
    setText(this.#spoken, this.#more > 0 ? `${newest}. And ${this.#more} more in the log.` : newest)
    this.#newest = undefined
    this.#more = 0
    setTimeout(() => this.#speak(), speakMs)
  }
}
