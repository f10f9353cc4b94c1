import { describe, expect, test } from '@jest/globals'
import { runInThreads } from './portable/in-threads.js'
import { cases } from './portable/index.js'

/** The same cases run in Deno, in Bun and in a page with `npm run test:runtimes`. */
describe('the portable cases hold on Node', () => {
  test.each(cases.map((each) => [each.name, each] as const))('%s', async (_, each) => {
    await expect(runInThreads(each)).resolves.toBeUndefined()
  })
})
