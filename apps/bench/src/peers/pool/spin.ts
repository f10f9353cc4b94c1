/** Never ends, and shows that it runs: the word goes up. */
export default (word: Int32Array): never => {
  for (;;) Atomics.add(word, 0, 1)
}
