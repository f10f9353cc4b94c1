import type { Step, Steps } from '@heddle/interleave'

/** What may happen from outside, and how often. */
export interface Events {
  readonly timeouts: number
  readonly aborts: number
  readonly kills: number
  readonly spurious: number
}

/** What all schedules together can lead to. */
export interface Outcomes {
  /** The memory and the results at the ends; `killed` for a thread that was. */
  readonly ends: ReadonlySet<string>
  /** The memory of states in which all that are left sleep. */
  readonly deadlocks: ReadonlySet<string>
  readonly executions: number
}

type Choice = readonly [kind: 'step' | 'timeout' | 'abort' | 'kill' | 'spurious', thread: number]

interface Thread {
  readonly steps: Steps<string>
  next: IteratorResult<Step, string> | undefined
  sleepsOn: number | undefined
  /** What its sleep came to, which it does not know yet. */
  roused: boolean
}

const budgetOf = { timeout: 'timeouts', abort: 'aborts', kill: 'kills', spurious: 'spurious' } as const

/**
 * The obvious explorer: every schedule is run from its start, by new generators, on a new memory, and nothing is left out or
 * remembered. It knows the steps that straight programs are made of.
 */
export function exploreNaively(
  initial: readonly number[],
  begin: readonly (() => Steps<string>)[],
  events: Events,
): Outcomes {
  const ends = new Set<string>()
  const deadlocks = new Set<string>()
  let executions = 0
  const visit = (schedule: readonly Choice[]) => {
    const { choices, memory, threads } = run(initial, begin, events, schedule)
    for (const choice of choices) visit([...schedule, choice])
    if (choices.length > 0) return
    executions++
    const asleep = threads.some(({ sleepsOn }) => sleepsOn !== undefined)
    if (asleep) deadlocks.add(memory.join())
    else ends.add(`${memory.join()} ${threads.map(({ next }) => (next?.done ? next.value : 'killed')).join(' ')}`)
  }
  visit([])
  return { ends, deadlocks, executions }
}

function run(
  initial: readonly number[],
  begin: readonly (() => Steps<string>)[],
  events: Events,
  schedule: readonly Choice[],
) {
  const memory = [...initial]
  const asleep: Thread[] = []
  const left = { ...events }
  const threads = begin.map((start): Thread => {
    const steps = start()
    return { steps, next: steps.next(0), sleepsOn: undefined, roused: false }
  })
  const getUp = (thread: Thread) => {
    if (thread.sleepsOn !== undefined) asleep.splice(asleep.indexOf(thread), 1)
    thread.sleepsOn = undefined
  }
  const perform = (thread: Thread, step: Step): number | undefined => {
    if (step.op === 'isDead') return threads.some(({ next }, i) => i + 1 === step.participant && !next) ? 1 : 0
    if (step.op === 'yield' || step.op === 'checkpoint') return 0
    const old = memory[step.index] as number
    switch (step.op) {
      case 'store':
      case 'exchange':
        memory[step.index] = step.value
        return step.op === 'store' ? 0 : old
      case 'add':
        memory[step.index] = old + step.value
        return old
      case 'compareExchange':
        if (old === step.expected) memory[step.index] = step.value
        return old
      case 'wait':
        if (old !== step.expected) return 0
        thread.sleepsOn = step.index
        asleep.push(thread)
        return undefined
      case 'notify': {
        const woken = asleep.filter(({ sleepsOn }) => sleepsOn === step.index).slice(0, step.count)
        for (const other of woken) {
          getUp(other)
          other.roused = true
        }
        return woken.length
      }
      default:
        return old
    }
  }
  for (const [kind, number] of schedule) {
    const thread = threads[number] as Thread
    if (kind === 'step') {
      const result = thread.roused ? 0 : perform(thread, thread.next?.value as Step)
      thread.roused = false
      if (result !== undefined) thread.next = thread.steps.next(result)
      continue
    }
    left[budgetOf[kind]]--
    getUp(thread)
    if (kind === 'kill') thread.next = undefined
    else thread.next = thread.steps.next(kind === 'timeout' || kind === 'abort' ? 1 : 0)
    thread.roused = false
  }
  const choices: Choice[] = []
  const canStep = ({ next, sleepsOn }: Thread) => next !== undefined && !next.done && sleepsOn === undefined
  if (threads.some(canStep))
    for (const [number, thread] of threads.entries()) {
      if (canStep(thread)) choices.push(['step', number])
      if (thread.sleepsOn !== undefined && left.timeouts > 0) choices.push(['timeout', number])
      if ((thread.sleepsOn !== undefined || thread.roused) && left.aborts > 0) choices.push(['abort', number])
      if (thread.sleepsOn !== undefined && left.spurious > 0) choices.push(['spurious', number])
      if (thread.next && !thread.next.done && left.kills > 0) choices.push(['kill', number])
    }
  return { choices, memory, threads }
}
