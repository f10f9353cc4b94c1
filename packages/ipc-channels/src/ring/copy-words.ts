/** How many words are copied one by one: more are faster at once. */
const mostSingleWords = 32

export function copyWords(from: Int32Array, begin: number, to: Int32Array, at: number, count: number): void {
  if (count > mostSingleWords) to.set(from.subarray(begin, begin + count), at)
  else for (let word = 0; word < count; word++) to[at + word] = from[begin + word] as number
}
