/** Whether a value has to be awaited. */
export function isPromiseLike<Value>(value: Value | PromiseLike<Value>): value is PromiseLike<Value> {
  return (
    ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  )
}

/** A promise whose `then` calls back once and later, as only that of the platform surely does. */
export function toPromise<Value>(value: PromiseLike<Value>): Promise<Value> {
  if (value instanceof Promise && value.then === Promise.prototype.then) return value as Promise<Value>
  return new Promise((resolve) => resolve(value))
}
