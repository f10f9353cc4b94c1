type Settle = (value: unknown) => void

// One function that catches the settlers of all promises: a closure for each would cost as much as the promise.
let lastResolve: Settle
let lastReject: Settle
const catchSettlers = (resolve: Settle, reject: Settle): void => {
  lastResolve = resolve
  lastReject = reject
}

/** A promise, and what settles it. */
export class Settler<Value> {
  readonly promise: Promise<Value>
  readonly resolve: (value: Value) => void
  readonly reject: (reason: unknown) => void

  constructor() {
    this.promise = new Promise<Value>(catchSettlers as (resolve: (value: Value) => void, reject: Settle) => void)
    this.resolve = lastResolve as (value: Value) => void
    this.reject = lastReject
  }
}
