import { describe, expect, test } from '@jest/globals'
import { cases } from './portable/index.js'

/** The same cases run in Deno, in Bun and in a page with `npm run test:runtimes`. */
describe('the portable cases hold on Node', () => {
  test.each(cases.map((each) => [each.name, each] as const))('%s', async (_, each) => {
    await expect(each.run()).resolves.toBeUndefined()
  })

  test('their names are unique', () => {
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length)
  })
})
