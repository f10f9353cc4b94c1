import { invalidArgument } from './errors.js'
import { checkpointKey, type HistoryNode, type NextStep, type NodeOp, nextStep, valueKey } from './history-node.js'
import type { CheckpointState, Step, Steps } from './steps.js'

/** More checkpoints than this in a row, with no step between them, are a loop without an end. */
const mostCheckpointsInARow = 1_000

/** Where a node is in the tree. */
type Place = Pick<HistoryNode, 'parent' | 'result' | 'depth' | 'checkpoint'>

/**
 * All the local states that one pseudo-thread was seen in, as a tree: a node stands for what the results of its steps so far
 * have made of the thread, an edge for the result of the next step.
 *
 * A thread is a function of the results of its own steps, so a node knows the step that comes next, whatever the others did
 * meanwhile. That makes a thread's local state a number: the search copies and compares states of the whole system, although
 * no generator can be copied. The generator itself runs only where the tree grows; at a second branch out of a node a new one
 * is made and led there by the results on the path.
 *
 * Invariant: two histories have the same node only if the thread goes on from them in the same way. That is so for equal
 * results; after equal checkpoints because the thread promises it; and at the end, where only the outcome is left.
 */
export class ThreadHistory {
  readonly #name: string
  readonly #begin: () => Steps<unknown>
  readonly #words: number
  readonly #nodes: HistoryNode[] = []
  readonly #atCheckpoint = new Map<string, HistoryNode>()
  readonly #finished = new Map<string, HistoryNode>()
  /** Where the thread is once it was killed: nothing of its past matters then. */
  readonly killed: HistoryNode
  /** Where the thread is before its first step. */
  readonly start: HistoryNode

  constructor(name: string, begin: () => Steps<unknown>, words: number) {
    this.#name = name
    this.#begin = begin
    this.#words = words
    const place = { parent: undefined, result: 0, depth: 0, checkpoint: undefined }
    this.killed = this.#end('killed', place, undefined)
    this.start = this.#grow(place, begin())
  }

  node(id: number): HistoryNode {
    return this.#nodes[id] as HistoryNode
  }

  /** Where the thread is after the step of `node` had `result`. */
  after(node: HistoryNode, result: number): HistoryNode {
    const known = node.children.get(result)
    if (known !== undefined) return known
    const generator = node.generator ?? this.#leadTo(node)
    node.generator = undefined
    const next = this.#grow({ parent: node, result, depth: node.depth + 1, checkpoint: node.checkpoint }, generator)
    node.children.set(result, next)
    return next
  }

  #grow(before: Place, generator: Steps<unknown>): HistoryNode {
    let place = before
    let step: NextStep
    let key: string | undefined
    try {
      const { next, passed } = resume(generator, before.result)
      if (passed) {
        key = checkpointKey(passed.state)
        place = { ...before, depth: 0, checkpoint: passed.state }
      }
      if (next.done) return this.#finish(place, next.value)
      step = nextStep(next.value, this.#words)
    } catch (thrown) {
      return this.#end('threw', place, thrown)
    }
    if (key === undefined) return this.#add(step, place, generator)
    const known = this.#atCheckpoint.get(key)
    if (known === undefined) {
      const node = this.#add(step, place, generator)
      this.#atCheckpoint.set(key, node)
      return node
    }
    if (!isSame(known, step))
      throw invalidArgument(
        `the checkpoint ${key} of thread ${this.#name} leaves out something that matters: ` +
          `the next step is now ${describeStep(known)}, now ${describeStep(step)}`,
      )
    return known
  }

  #finish(place: Place, outcome: unknown): HistoryNode {
    const key = valueKey(outcome)
    const known = key === undefined ? undefined : this.#finished.get(key)
    if (known) return known
    const node = this.#end('finished', place, outcome)
    if (key !== undefined) this.#finished.set(key, node)
    return node
  }

  #end(op: NodeOp, place: Place, outcome: unknown): HistoryNode {
    return this.#add({ op, index: 0, first: 0, second: 0 }, place, undefined, outcome)
  }

  #add(step: NextStep, place: Place, generator: Steps<unknown> | undefined, outcome?: unknown): HistoryNode {
    const { op, index, first, second } = step
    const { parent, result, depth, checkpoint } = place
    const id = this.#nodes.length
    const children = new Map<number, HistoryNode>()
    const node = { id, op, index, first, second, parent, result, depth, checkpoint, outcome, children, generator }
    this.#nodes.push(node)
    return node
  }

  /** A new generator, led to where `node` is. */
  #leadTo(node: HistoryNode): Steps<unknown> {
    const path: HistoryNode[] = []
    for (let at: HistoryNode | undefined = node; at; at = at.parent) path.push(at)
    const generator = this.#begin()
    for (const at of path.reverse()) {
      const yielded = this.#again(generator, at.result)
      if (yielded === undefined || !isSame(at, yielded))
        throw invalidArgument(
          `thread ${this.#name} depends on something else than the results of its steps: after the same results ` +
            `the next step is now ${describeStep(at)}, now ${yielded ? describeStep(yielded) : 'none'}`,
        )
    }
    return generator
  }

  #again(generator: Steps<unknown>, result: number): NextStep | undefined {
    try {
      const { next } = resume(generator, result)
      return next.done ? undefined : nextStep(next.value, this.#words)
    } catch {
      return undefined
    }
  }
}

/** Runs to the next step that is no checkpoint. The result given to a generator that has not begun is ignored. */
function resume(
  generator: Steps<unknown>,
  result: number,
): { next: IteratorResult<Step, unknown>; passed: { readonly state: CheckpointState } | undefined } {
  let passed: { readonly state: CheckpointState } | undefined
  let next = generator.next(result)
  for (let count = 1; !next.done && isCheckpoint(next.value); count++) {
    if (count > mostCheckpointsInARow) throw new RangeError('checkpoints follow each other without a step between them')
    passed = next.value
    next = generator.next(0)
  }
  return { next, passed }
}

/** What a thread yields is only said to be a step. */
function isCheckpoint(yielded: unknown): yielded is Extract<Step, { op: 'checkpoint' }> {
  return typeof yielded === 'object' && yielded !== null && 'op' in yielded && yielded.op === 'checkpoint'
}

function isSame(one: NextStep, other: NextStep): boolean {
  return one.op === other.op && one.index === other.index && one.first === other.first && one.second === other.second
}

function describeStep({ op, index, first, second }: NextStep): string {
  return `${op}(${index}, ${first}, ${second})`
}
