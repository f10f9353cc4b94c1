const nobody = 65_534

/** Calls `fn` as a user whom permissions bind: root, as which tests run in containers, may read everything. */
export function asOrdinaryUser<Result>(fn: () => Result): Result {
  if (process.geteuid?.() !== 0) return fn()
  process.seteuid?.(nobody)
  try {
    return fn()
  } finally {
    process.seteuid?.(0)
  }
}
