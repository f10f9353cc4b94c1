import { explore } from '@heddle/interleave'
import { describe, expect, test } from '@jest/globals'
import { models } from './model/index.ts'

/** The smaller explorations; `npm run verify -- sync` does all of them. */
describe('in every order of their steps', () => {
  const quick = models.filter((row) => row.quick)

  test.each(quick.map((row) => [`${row.primitive}, ${row.configuration}`, row] as const))('%s', (_, { options }) => {
    const { verdict, failure } = explore(options)
    expect({ verdict, failure: failure?.message, trace: failure?.trace }).toEqual({ verdict: 'complete' })
  })

  test('every primitive is explored with a kill and a time-out together', () => {
    for (const primitive of new Set(models.map((row) => row.primitive))) {
      const both = models.some((row) => {
        const { kills, timeouts } = row.options.choices ?? {}
        return row.primitive === primitive && kills !== undefined && timeouts !== undefined
      })
      expect({ primitive, both }).toEqual({ primitive, both: true })
    }
  })
})
