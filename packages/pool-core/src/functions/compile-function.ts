import { Module } from 'node:module'
import { join } from 'node:path'
import { TaskError } from '../errors.js'
import type { FunctionSource } from './function-source.js'
import { isGlobal, listed } from './names.js'

/**
 * Makes a function of its text again, in the thread or process that runs it. Does not block. Not cached: keep the result.
 *
 * It is strict where the original was, and has its name. `import()` inside of it resolves package names, and relative
 * paths that are computed, from the current directory of the process, where stack traces place it as well:
 * `<directory>/[function <name>]`.
 *
 * Run only what {@link sourceOf} made: the text is code.
 *
 * @throws TaskError `ERR_TASK_CAPTURES`: it uses names that are global variables where it came from, and are none here
 */
export function compileFunction(source: FunctionSource): (...args: unknown[]) => unknown {
  const { name, freeNames } = source
  const [globals, fn] = evaluate(source)
  const missing = freeNames.filter((each) => !isGlobal(each, globals))
  if (missing.length > 0)
    throw new TaskError(
      'ERR_TASK_CAPTURES',
      `the function ${name || '(anonymous)'} uses ${listed(missing)}, global where it was passed to the pool but not in ` +
        'its workers: define the task in a module of its own with defineTask, or pass the value as an argument',
    )
  if (fn.name !== name) Object.defineProperty(fn, 'name', { value: name, configurable: true })
  return fn
}

type Evaluated = readonly [globals: object, fn: (...args: unknown[]) => unknown]

/**
 * Evaluates the text in the way of a CommonJS file: the one way in which `import()` resolves from the program's own packages
 * without a warning on stderr. `new Function` resolves from this package, and node:vm warns that its option is experimental.
 * Names of that way, such as `require`, stay unused, since they are refused unless they are global variables.
 *
 * Gives the global object of the code as well: under a test runner it is not the one of this module.
 */
function evaluate({ name, source, strict }: FunctionSource): Evaluated {
  const file = join(process.cwd(), `[function ${name.replace(/[^\p{L}\p{N}_$.-]/gu, '_')}]`)
  const module = new Module(file) as Module & { _compile(code: string, file: string): void }
  module._compile(`${strict ? "'use strict';" : ''}module.exports=[globalThis,(${source}\n)]`, file)
  return module.exports as Evaluated
}
