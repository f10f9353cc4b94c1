import { describe, expect, test } from '@jest/globals'
import { begunOf, claim, createClaimWords, resetClaims, takeBackRest } from '../build/slots/claim-words.js'
import { claimWordsModel } from './verify/claim-words.ts'

test('in every order of their steps, with up to two kills, no run begins twice and none is lost', async () => {
  expect(await claimWordsModel()).toMatch(/^complete, [1-9]\d{3,} states in 4 models/)
})

describe('the words themselves', () => {
  test('items are claimed in their order, each once, and not after the rest was taken back', () => {
    const words = createClaimWords()
    resetClaims(words, 1)
    expect([claim(words, 1, 1), claim(words, 1, 0), claim(words, 1, 0), claim(words, 1, 1)]).toEqual([
      false,
      true,
      false,
      true,
    ])
    expect([begunOf(words, 1), takeBackRest(words, 1), takeBackRest(words, 1), begunOf(words, 1)]).toEqual([2, 2, 2, 2])
    expect(claim(words, 1, 2)).toBe(false)
  })

  test('neighbouring envelopes do not touch each other, and the fifth uses the word of the first again', () => {
    const words = createClaimWords()
    for (const id of [1, 2]) resetClaims(words, id)
    claim(words, 1, 0)
    expect([begunOf(words, 1), begunOf(words, 2)]).toEqual([1, 0])
    takeBackRest(words, 1)
    resetClaims(words, 5)
    expect([begunOf(words, 5), claim(words, 5, 0)]).toEqual([0, true])
  })
})
