/**
 * The word beside the sizes of an object that says whether they are the ones it was made with. Sizes say where the object ends:
 * one that somebody has written over would let its finder write to its neighbours.
 */
export function sizeCheck(...sizes: readonly number[]): number {
  // FNV-1a over words, http://www.isthe.com/chongo/tech/comp/fnv/: each step is reversible, so one changed size changes the sum.
  let sum = 0x811c_9dc5 | 0
  for (const size of sizes) sum = Math.imul(sum ^ size, 0x0100_0193)
  return sum
}
