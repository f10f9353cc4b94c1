import type { Linked } from '../linked-list.js'

/** The request of a lane for a place. */
export class LaneTurn implements Linked<LaneTurn> {
  previous: LaneTurn | undefined = undefined
  next: LaneTurn | undefined = undefined
  isInLine = true
  readonly enter: () => void

  constructor(enter: () => void) {
    this.enter = enter
  }
}
