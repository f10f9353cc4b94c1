import type { Action } from '@heddle/demo/serve/protocol.js'
import { create } from './dom.js'

/** Why something was not done: a message for each kind of action, there until the next of its kind or until it is closed. */
export class Problems {
  readonly #holder: HTMLElement
  readonly #home: HTMLElement
  readonly #messages = new Map<Action['do'], HTMLElement>()

  /** @param home - takes the focus when the message that had it is closed */
  constructor(holder: HTMLElement, home: HTMLElement) {
    this.#holder = holder
    this.#home = home
  }

  show(kind: Action['do'], text: string): void {
    this.clear(kind)
    const close = create('button', {
      text: 'Close',
      attributes: { type: 'button', 'aria-label': 'Close this message' },
    })
    close.addEventListener('click', () => this.clear(kind))
    const message = create('p', { class: 'message' }, create('span', { text }), close)
    this.#messages.set(kind, message)
    this.#holder.append(message)
  }

  clear(kind: Action['do']): void {
    const message = this.#messages.get(kind)
    if (message?.contains(document.activeElement)) this.#home.focus({ preventScroll: true })
    message?.remove()
    this.#messages.delete(kind)
  }
}
