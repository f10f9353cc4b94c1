/** A node, and when it has begun each batch first. */
interface Doer {
  readonly pid: number
  readonly begun: ReadonlyMap<number, number>
}

interface Outcome {
  /** When which node was killed. */
  readonly kill: { readonly node: Doer; readonly at: number } | undefined
  /** The process that has done each batch, in their order. */
  readonly doneBy: readonly number[]
}

/** What became of the batches that a node had when it was killed. */
export interface Account {
  /** The node that was killed, from 1; undefined: none was. */
  readonly killed: number | undefined
  /** Batches that it had begun, and whose results it never gave. */
  readonly lost: number
  /** Of these, the ones that another node has begun and done. */
  readonly again: number
  /** Milliseconds from the kill until the last of them began again. */
  readonly againMs: number
  /** How many batches each node has done. */
  readonly done: readonly number[]
  /** What is not as it must be, a line each. */
  readonly problems: readonly string[]
}

/** Call it when the nodes have ended: they have told all then. */
export function accountOf(nodes: readonly Doer[], { kill, doneBy }: Outcome): Account {
  const done = nodes.map(({ pid }) => doneBy.filter((by) => by === pid).length)
  if (!kill) return { killed: undefined, lost: 0, again: 0, againMs: 0, done, problems: ['no node was killed'] }
  const lost = [...kill.node.begun.keys()].filter((number) => doneBy[number] !== kill.node.pid)
  const begunAgain = lost.flatMap((number) => {
    const node = nodes.find((each) => each !== kill.node && each.pid === doneBy[number])
    return node?.begun.get(number) ?? []
  })
  const problems: string[] = []
  if (lost.length === 0) problems.push('the node that was killed had nothing in hand')
  if (begunAgain.length < lost.length)
    problems.push(`${lost.length - begunAgain.length} of the lost batches were not run again`)
  return {
    killed: nodes.indexOf(kill.node) + 1,
    lost: lost.length,
    again: begunAgain.length,
    againMs: Math.max(0, ...begunAgain.map((at) => at - kill.at)),
    done,
    problems,
  }
}
