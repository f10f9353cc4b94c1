import { explore } from '@heddle/interleave'
import { expect, test } from '@jest/globals'
import { models } from './model/index.ts'

const quick = models.filter((row) => row.quick)

/** The smaller explorations; `npm run verify -- channels` does all of them. */
test.each(quick.map((row) => [`${row.algorithm}, ${row.configuration}`, row] as const))(
  'in every order of its steps: %s',
  (_, { options }) => {
    const { verdict, failure } = explore(options)
    expect({ verdict, failure: failure?.message, trace: failure?.trace }).toEqual({ verdict: 'complete' })
  },
)
