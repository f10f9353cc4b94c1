import { TestEnvironment } from 'jest-environment-node'

/**
 * jest runs a test file in a realm of its own, while values that come from structuredClone, postMessage or a Worker belong
 * to the host realm: `instanceof Error` is then false although it is true in production. This makes it true in tests as well,
 * for the built-in classes only.
 */
const classes = [
  'Error',
  'AggregateError',
  'EvalError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'TypeError',
  'URIError',
  'Object',
  'Array',
  'Map',
  'Set',
  'Date',
  'RegExp',
  'Promise',
  'SharedArrayBuffer',
  'DataView',
  'Function',
]

export default class HeddleEnvironment extends TestEnvironment {
  constructor(config, context) {
    super(config, context)
    const isInstance = Function.prototype[Symbol.hasInstance]
    for (const name of classes) {
      const inTest = this.global[name]
      const inHost = globalThis[name]
      if (inTest === inHost) continue
      Object.defineProperty(inTest, Symbol.hasInstance, {
        configurable: true,
        value(candidate) {
          return isInstance.call(this, candidate) || (this === inTest && isInstance.call(inHost, candidate))
        },
      })
    }
  }
}
