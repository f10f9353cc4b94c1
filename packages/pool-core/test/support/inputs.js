export const range = (count) => Array.from({ length: count }, (_, index) => index)

export function counting(valueAt, end = Number.POSITIVE_INFINITY) {
  const state = { pulled: 0, closed: false, input: generate() }
  function* generate() {
    try {
      while (state.pulled < end) {
        state.pulled += 1
        yield valueAt(state.pulled - 1)
      }
    } finally {
      state.closed = true
    }
  }
  return state
}

export async function collect(results) {
  const values = []
  try {
    for await (const value of results) values.push(value)
    return { values, error: undefined }
  } catch (error) {
    return { values, error }
  }
}
