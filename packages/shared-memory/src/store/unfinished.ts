/**
 * What a call has begun in shared memory and must end before it returns, though its user's code may be cut off by something
 * that runs no `finally`: the end of the stack, or a time limit of `node:vm`. What is still here when this thread's turn of
 * work is over was cut off, and is ended then; other threads would wait for it for ever, since this one lives.
 */
const unfinished = new Set<() => void>()
let isLookedAfter = false

/** @param end - ends it, if it was not ended in another way; called once at most */
export function begun(end: () => void): void {
  unfinished.add(end)
  if (isLookedAfter) return
  isLookedAfter = true
  queueMicrotask(endAll)
}

/** It was ended as it should be. */
export function ended(end: () => void): void {
  unfinished.delete(end)
}

function endAll(): void {
  isLookedAfter = false
  for (const end of unfinished) {
    unfinished.delete(end)
    try {
      end()
    } catch {
      // The memory was closed or is damaged: whoever uses the object next is told.
    }
  }
}
