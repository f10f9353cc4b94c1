import { describe, invalidArgument } from './errors.js'

/**
 * One thing that happens next: a number made of its kind and the thread it happens to.
 *
 * kind     · sign · what
 * STEP     ·      · the thread takes its next step
 * TIMEOUT  · ~    · it sleeps and gives up
 * ABORT    · ^    · it sleeps, or was woken and has not run since, and gives up
 * KILL     · !    · it ends for ever
 * SPURIOUS · ?    · it sleeps and wakes up without a reason
 * DEADLINE · =    · nothing else can happen: its time is up
 * SLICE    · .    · nothing else can happen: its slice of a wait is over, and it looks again
 *
 * The kinds from TIMEOUT to SPURIOUS are in the order of `EVENTS` in plan.ts.
 */
export type Choice = number

export const STEP = 0
export const TIMEOUT = 1
export const ABORT = 2
export const KILL = 3
export const SPURIOUS = 4
export const DEADLINE = 5
export const SLICE = 6

const signs = ['', '~', '^', '!', '?', '=', '.']
const firstLetter = 'a'.charCodeAt(0)

export const choiceOf = (kind: number, thread: number): Choice => kind | (thread << 3)
export const kindOf = (choice: Choice): number => choice & 7
export const threadOf = (choice: Choice): number => choice >> 3
/** Whether it is one of those that a budget counts. No thread can rely on them to happen. */
export const isCounted = (choice: Choice): boolean => kindOf(choice) >= TIMEOUT && kindOf(choice) <= SPURIOUS

/** A schedule in print: `a2b!a` is two steps of the first thread, one of the second, and the end of the first. */
export function printSchedule(choices: readonly Choice[]): string {
  let text = ''
  for (let from = 0; from < choices.length; ) {
    const choice = choices[from] as Choice
    let to = from + 1
    while (choices[to] === choice) to++
    text += `${signs[kindOf(choice)]}${String.fromCharCode(firstLetter + threadOf(choice))}`
    if (to - from > 1) text += to - from
    from = to
  }
  return text
}

/** @throws TypeError `ERR_INVALID_ARG`: no schedule, or one of more than `threads` threads */
export function parseSchedule(text: string, threads: number): Choice[] {
  if (typeof text !== 'string') throw invalidArgument(`a schedule must be a string, not ${describe(text)}`)
  const choices: Choice[] = []
  let end = 0
  for (const { 0: part, 1: sign = '', 2: letter = '', 3: count, index } of text.matchAll(
    /([~^!?=.]?)([a-z])(\d{0,6})/g,
  )) {
    const thread = letter.charCodeAt(0) - firstLetter
    if (index !== end || thread >= threads) break
    for (let i = 0; i < Number(count || 1); i++) choices.push(choiceOf(signs.indexOf(sign), thread))
    end += part.length
  }
  if (end < text.length) throw invalidArgument(`not a schedule of ${threads} threads: ${text} (see from ${end})`)
  return choices
}
