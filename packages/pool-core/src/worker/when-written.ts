/**
 * Calls back once what this worker has printed is with its parent, at once if it is. A worker may be ended as soon as it has
 * answered, and what it still held would be lost.
 */
export function whenWritten(then: () => void): void {
  const pending = [process.stdout, process.stderr].filter((stream) => stream.writableLength > 0)
  if (pending.length === 0) {
    then()
    return
  }
  let left = pending.length
  for (const stream of pending)
    stream.write('', () => {
      left -= 1
      if (left === 0) then()
    })
}
