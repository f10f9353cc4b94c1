import { expect } from '@jest/globals'

export function outcomeOf(call) {
  try {
    return { returned: call() }
  } catch (error) {
    return error
  }
}

export const invalid = expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG' })
export const outOfRange = expect.objectContaining({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
export const badHandle = expect.objectContaining({ name: 'TypeError', code: 'ERR_BAD_HANDLE' })
