/** Numbers below a limit that look random, and are the same for the same seed. Marsaglia's xorshift. */
export function randomFrom(seed) {
  // Neighbouring seeds must not give neighbouring numbers.
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) || 1
  return (limit) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % limit
  }
}

export function chosenFrom(list, random) {
  return list[random(list.length)]
}
