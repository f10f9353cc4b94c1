import { invalidArgument } from '../errors.js'
import { describe } from '../options.js'
import { cancelling } from './cases/cancelling.js'
import { completing } from './cases/completing.js'
import { ending } from './cases/ending.js'
import { errors } from './cases/errors.js'
import { isolation } from './cases/isolation.js'
import { limits } from './cases/limits.js'
import { loops } from './cases/loops.js'
import { mapEnds } from './cases/map-ends.js'
import { mapping } from './cases/mapping.js'
import { misuse } from './cases/misuse.js'
import { queueing } from './cases/queueing.js'
import { running } from './cases/running.js'
import { submitted } from './cases/submitted.js'
import { type Claim, checkClaim } from './claim.js'
import type { ExecutorCase, ExecutorFixture } from './fixture.js'
import { Shelf } from './shelf.js'

const always: readonly (readonly Claim[])[] = [
  running,
  errors,
  submitted,
  completing,
  cancelling,
  limits,
  mapping,
  mapEnds,
  queueing,
  ending,
  misuse,
]

/**
 * The claims of the `Executor` contract, each as a case that any test runner can run. Does not block, and runs nothing yet.
 *
 * Cases need nothing of each other: run them in any order, or some of them. To save time they hand executors that they leave
 * idle to each other; the last case ends these, or a quarter of a second without one. What needs a trait that the executor has
 * not is left out; the names of these cases begin with `isolated:` or `endsLoops:`. Tasks and cases meet in the temporary
 * folder of the system, so an executor on other machines needs one that they share.
 *
 * With `node:test`:
 *
 * ```ts
 * import { test } from 'node:test'
 * import { executorCases } from '@heddle/pool-core/conformance'
 *
 * const cases = executorCases({
 *   create: ({ concurrency, maxResults }) => new MyExecutor({ workers: concurrency, maxResults }),
 *   traits: { isolated: true, endsLoops: true },
 * })
 * for (const { name, run } of cases) test(name, run)
 * ```
 *
 * With jest, whose usual limit of 5 seconds is shorter than that of a case:
 *
 * ```ts
 * test.each(cases)('$name', ({ run }) => run(), 50_000)
 * ```
 *
 * @throws TypeError `ERR_INVALID_ARG`: not a fixture
 */
export function executorCases(fixture: ExecutorFixture): readonly ExecutorCase[] {
  if (typeof fixture?.create !== 'function' || typeof fixture.traits !== 'object' || fixture.traits === null)
    throw invalidArgument(`executorCases needs { create, traits }, not ${describe(fixture)}`)
  const { isolated, endsLoops } = fixture.traits
  const claims = [...always.flat(), ...(isolated ? isolation : []), ...(endsLoops ? loops : [])]
  const shelf = new Shelf(
    fixture,
    claims.map(({ name }) => name),
  )
  return claims.map((claim) => ({ name: claim.name, run: () => checkClaim(shelf, claim) }))
}
