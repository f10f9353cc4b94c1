import type { HistoryNode } from './history-node.js'
import type { Machine } from './machine.js'
import { ABORT, type Choice, DEADLINE, KILL, kindOf, SLICE, SPURIOUS, STEP, TIMEOUT, threadOf } from './schedule.js'
import { ROUSED, SLEEPING, SPINNING } from './state.js'

/** Of more words than this only those are printed that are not as at the start. */
const fewWords = 12

/** Lets the choice happen, and returns a line that says what happened: thread · step · result · memory after it. */
export function applyTraced(machine: Machine, choice: Choice): string {
  const { state, plan } = machine
  const thread = threadOf(choice)
  const before = state.node(thread)
  const wasRoused = state.status(thread) === ROUSED
  const slept = plan.threadNames.map((_, other) => state.status(other) === SLEEPING)
  machine.apply(choice)
  const woken = plan.threadNames.filter((_, other) => slept[other] && state.status(other) === ROUSED)
  const step = kindOf(choice) === KILL ? 'killed' : describeStep(before, plan.wordNames)
  const result =
    kindOf(choice) === STEP
      ? wasRoused
        ? 'woken'
        : describeResult(machine, thread, before, woken)
      : events[kindOf(choice)]
  return [plan.threadNames[thread], step, result, describeMemory(machine)].join(' · ')
}

const events: Readonly<Record<number, string>> = {
  [TIMEOUT]: 'its time is up',
  [ABORT]: 'aborted',
  [KILL]: 'ends for ever',
  [SPURIOUS]: 'wakes up for no reason',
  [DEADLINE]: 'its time is up, as nothing else can happen',
  [SLICE]: 'looks again, as nothing else can happen',
}

function describeStep({ op, index, first, second }: HistoryNode, wordNames: readonly string[]): string {
  const word = wordNames[index]
  switch (op) {
    case 'load':
      return `load ${word}`
    case 'store':
    case 'exchange':
      return `${op} ${word} := ${first}`
    case 'add':
      return `add ${word} ${first < 0 ? '-' : '+'} ${Math.abs(first)}`
    case 'compareExchange':
      return `compareExchange ${word} ${first} := ${second}`
    case 'wait':
      return `wait ${word} while ${first}`
    case 'notify':
      return `notify ${word} ${first === 2 ** 31 - 1 ? 'all' : first}`
    case 'isDead':
      return `isDead ${first}`
    case 'yield':
      return 'spin hint'
    default:
      return op
  }
}

function describeResult(
  machine: Machine,
  thread: number,
  { op, index }: HistoryNode,
  woken: readonly string[],
): string {
  const { state, result } = machine
  switch (op) {
    case 'store':
      return 'done'
    case 'wait':
      return state.status(thread) === SLEEPING ? 'sleeps' : `goes on, it is ${state.word(index)}`
    case 'notify':
      return woken.length > 0 ? `wakes ${woken.join(', ')}` : 'wakes nobody'
    case 'isDead':
      return result === 1 ? 'yes' : 'no'
    case 'yield':
      return state.status(thread) === SPINNING ? 'spins until memory changes' : 'goes on'
    case 'load':
      return `${result}`
    default:
      return `was ${result}`
  }
}

function describeMemory({ state, plan }: Machine): string {
  const all = plan.wordNames.length <= fewWords
  const words = plan.wordNames.map((name, index) => ({ name, value: state.word(index), first: plan.initial[index] }))
  const shown = words.filter(({ value, first }) => all || value !== first)
  return shown.map(({ name, value }) => `${name}=${value}`).join(' ') || '-'
}
