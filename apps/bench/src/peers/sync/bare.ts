/** What the platform itself can do: no lock is faster. Each function gives a loop of its own, compiled for itself. */
type Loop = (calls: number) => unknown

const word = () => new Int32Array(new SharedArrayBuffer(4))

export function barePair(): Loop {
  const state = word()
  return (calls) => {
    for (let n = 0; n < calls; n++) {
      if (Atomics.compareExchange(state, 0, 0, 1) !== 0) throw new Error('the word was taken')
      Atomics.store(state, 0, 0)
    }
  }
}

export function bareExclusive(fn: () => unknown): Loop {
  const state = word()
  return (calls) => {
    for (let n = 0; n < calls; n++) {
      if (Atomics.compareExchange(state, 0, 0, 1) !== 0) throw new Error('the word was taken')
      fn()
      Atomics.store(state, 0, 0)
    }
  }
}

export function bareReaders(): Loop {
  const state = word()
  return (calls) => {
    for (let n = 0; n < calls; n++) {
      if (Atomics.compareExchange(state, 0, 0, 1) !== 0) throw new Error('the word was taken')
      Atomics.sub(state, 0, 1)
    }
  }
}

export function awaitNewPromise(): Loop {
  const value = {}
  return async (calls) => {
    for (let n = 0; n < calls; n++) if ((await Promise.resolve(value)) !== value) throw new Error('another value')
  }
}

export function awaitKeptPromise(): Loop {
  const value = {}
  const kept = Promise.resolve(value)
  return async (calls) => {
    for (let n = 0; n < calls; n++) if ((await kept) !== value) throw new Error('another value')
  }
}
