/** What an operation on shared words comes to that is no success. */
export const FULL = -1
export const EMPTY = -2
/** Closed: for those who put, and for those who take when nothing is left. */
export const OVER = -3
/** A word is none that our code can have written; nothing was changed. */
export const BROKEN = -4
/** The same of one item's entry: the item is gone. */
export const DAMAGED = -5
