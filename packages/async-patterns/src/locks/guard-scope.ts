/** Runs `fn` with a guard, and releases it when what `fn` returned has settled. */
export async function runHolding<Guard extends { release(): void }, Result>(
  guard: Guard,
  fn: (guard: Guard) => Result | PromiseLike<Result>,
): Promise<Result> {
  try {
    return await fn(guard)
  } finally {
    guard.release()
  }
}
