/**
 * Lets this thread or process die at a step: at any access to the words of a memory, be it atomic or not. For before the
 * objects in it are opened.
 *
 * @param die - must not return
 * @returns a function that says how many steps are left to live
 */
export function makeMortal(memory, die) {
  const { words } = memory
  let left
  const step = () => {
    if (left !== undefined && left-- === 0) die()
  }
  const isIndex = (key) => typeof key === 'string' && key.charCodeAt(0) <= 57
  const mortal = new Proxy(words, {
    get(_, key) {
      if (isIndex(key)) step()
      const value = words[key]
      return typeof value === 'function' ? value.bind(words) : value
    },
    set(_, key, value) {
      step()
      words[key] = value
      return true
    },
  })
  const real = globalThis.Atomics
  const watched = Object.create(real)
  for (const name of Object.getOwnPropertyNames(real)) {
    const method = real[name]
    if (typeof method !== 'function') continue
    Object.defineProperty(watched, name, {
      value(target, ...rest) {
        if (target !== mortal) return method.call(real, target, ...rest)
        step()
        return method.call(real, words, ...rest)
      },
    })
  }
  globalThis.Atomics = watched
  Object.defineProperty(memory, 'words', { value: mortal })
  return (steps) => {
    left = steps
  }
}
