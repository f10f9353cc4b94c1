// The cases that hold on every runtime: Node, Deno, Bun and a page. A case is one plain async function; what it may use is
// the language, what runtimes have in common with a page, and the package. See index.d.ts.
import { cases as batches } from './batches.js'
import { cases as calls } from './calls.js'
import { cases as limits } from './limits.js'
import { cases as locks } from './locks.js'
import { cases as queues } from './queues.js'
import { cases as tasks } from './tasks.js'

export const cases = [...locks, ...queues, ...tasks, ...limits, ...batches, ...calls]
