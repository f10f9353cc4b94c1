import type { Contender } from '../../duel.js'

/** A pool whose task answers with the number and one more. */
export interface Pool extends Contender {
  readonly version: string
  readonly call: (n: number) => Promise<number>
}
