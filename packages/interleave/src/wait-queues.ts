import { ROUSED, SLEEPING, type State } from './state.js'

/**
 * The queues of those who sleep, one per word, first come first served, as a futex has them. A queue is nothing but the
 * places that its threads have in it, so that the order of sleepers on different words does not tell states apart.
 *
 * Invariant: the places on a word are 1, 2, 3, … without a gap.
 */
export function fallAsleep(state: State, thread: number, index: number): void {
  let place = 1
  for (let other = 0; other < state.threads; other++) if (sleepsOn(state, other, index)) place++
  state.setStatus(thread, SLEEPING, place)
}

/** Those behind it move up. What the thread does from then on is for the caller to say. */
export function leaveQueue(state: State, thread: number): void {
  const { index } = state.node(thread)
  const left = state.place(thread)
  for (let other = 0; other < state.threads; other++) {
    const place = state.place(other)
    if (place > left && sleepsOn(state, other, index)) state.setStatus(other, SLEEPING, place - 1)
  }
}

/** Rouses up to `count` sleepers, those first who came first; returns how many. */
export function notifyQueue(state: State, index: number, count: number): number {
  let roused = 0
  for (; roused < count; roused++) {
    let first = 0
    while (first < state.threads && !(state.place(first) === 1 && sleepsOn(state, first, index))) first++
    if (first === state.threads) break
    leaveQueue(state, first)
    state.setStatus(first, ROUSED)
  }
  return roused
}

function sleepsOn(state: State, thread: number, index: number): boolean {
  return state.status(thread) === SLEEPING && state.node(thread).index === index
}
