export { executorCases } from './executor-cases.js'
export type { ExecutorCase, ExecutorFixture, ExecutorTraits } from './fixture.js'
/** What the cases run, for executors whose other side has to be given its tasks. */
export * as conformanceTasks from './tasks.js'
