export { executorCases } from './executor-cases.js'
export type { ExecutorCase, ExecutorFixture, ExecutorTraits } from './fixture.js'
