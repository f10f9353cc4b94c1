// Plain JavaScript: the fixtures load it too.
const pristine = Reflect.ownKeys(Object.prototype).length

const classes = { Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError, AggregateError }

/** What only the side that decoded a value can tell of it: the classes are those of its own thread. */
export function factsOf(value) {
  return {
    instanceOf: Object.keys(classes).filter((name) => value instanceof classes[name]),
    text: value instanceof Error ? String(value) : undefined,
    polluted: Reflect.ownKeys(Object.prototype).length !== pristine || {}.polluted !== undefined,
  }
}
