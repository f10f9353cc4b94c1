/**
 * Keeps the process alive until it is disposed of. Connections do not, and neither does the end of a pool: in between there may be
 * moments in which nothing else does, once the nodes are dead.
 */
export function stay(): Disposable {
  const timer = setInterval(() => undefined, 2 ** 31 - 1)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
