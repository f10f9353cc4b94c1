import { createRequire } from 'node:module'
import type * as Acorn from 'acorn'
import { invalidArgument, TaskError } from '../errors.js'
import { describe } from '../options.js'
import { type FunctionNode, type Reach, reachOf } from './free-names.js'
import { isGlobal, listed } from './names.js'

/** What a worker needs to make a function again: plain cloneable data. */
export interface FunctionSource {
  readonly name: string
  /** An expression whose value is the function. */
  readonly source: string
  readonly strict: boolean
  /** The names that it uses and does not declare: each is a global variable where the function came from. */
  readonly freeNames: readonly string[]
}

const sources = new WeakMap<object, FunctionSource>()

/**
 * The text of a self-contained function, for a worker to make it again with {@link compileFunction}. Does not block; the
 * first call in a program loads the parser, some 15 ms. Kept as long as the function is.
 *
 * Function declarations and expressions, arrow functions and methods may be passed, each also async or a generator. Own
 * properties of the function are lost. Strict and sloppy functions stay what they are, except that a sloppy arrow function,
 * method, async function or generator becomes strict wherever its text allows that, since nothing tells them apart.
 *
 * Limit: a captured variable that has the name of a global one (`const fetch = …` in the module) cannot be seen from the
 * text: the worker uses its own global variable of that name.
 *
 * @throws TypeError `ERR_INVALID_ARG`: no function, or one that has no text of its own to run: a class, a native or bound
 * function, a getter, a setter, a private method
 * @throws TaskError `ERR_TASK_CAPTURES`: it uses variables of the code around it, or other parts of that place (`this` in an
 * arrow function, `super`, `#field`, `import.meta`, a relative `import()`), or calls `eval`, or was instrumented; the message
 * names them all
 */
export function sourceOf(fn: (...args: never[]) => unknown): FunctionSource {
  const known = sources.get(fn)
  if (known) return known
  if (typeof fn !== 'function') throw invalidArgument(`a pool runs functions, not ${describe(fn)}`)
  const name = typeof fn.name === 'string' ? fn.name : ''
  const { node, source, strict } = read(Function.prototype.toString.call(fn), name, isSloppy(fn))
  const reach = reachOf(node)
  refuseCaptures(name, reach)
  const made: FunctionSource = Object.freeze({ name, source, strict, freeNames: Object.freeze([...reach.freeNames]) })
  sources.set(fn, made)
  return made
}

/** Only plain functions tell: a sloppy one answers for its `caller`, every other kind throws. */
function isSloppy(fn: object): boolean {
  try {
    Reflect.get(fn, 'caller')
    return true
  } catch {
    return false
  }
}

interface ReadFunction {
  readonly node: FunctionNode
  readonly source: string
  readonly strict: boolean
}

function read(text: string, name: string, sloppy: boolean): ReadFunction {
  const called = `the function ${name || '(anonymous)'}`
  if (/\{\s*\[native code\]\s*\}$/.test(text))
    throw invalidArgument(`${called} is native, bound or a Proxy and has no text: pass a function that calls it`)
  for (const strict of sloppy ? [false] : [true, false]) {
    const found = parse(`(${text}\n)`, strict) ?? parse(`{${text}\n}`, strict)
    if (!found) continue
    const { expression, wrapped } = found
    if (expression.type === 'FunctionExpression' || expression.type === 'ArrowFunctionExpression')
      return { node: expression, source: text, strict }
    if (expression.type === 'ClassExpression')
      throw invalidArgument(`the class ${name || '(anonymous)'} cannot be run: pass a function that makes the object`)
    const method = expression.type === 'ObjectExpression' ? expression.properties[0] : undefined
    if (method?.type !== 'Property' || method.value.type !== 'FunctionExpression') continue
    if (method.kind !== 'init')
      throw invalidArgument(
        `${called} is a ${method.kind}ter, which cannot be run: pass a function that uses the property`,
      )
    const { async, generator, start } = method.value
    // The key goes: a computed one would be evaluated again. What follows it begins with the parameters.
    const rest = wrapped.slice(start, method.end)
    return { node: method.value, source: `({${async ? 'async ' : ''}${generator ? '*' : ''}fn${rest}}).fn`, strict }
  }
  throw invalidArgument(
    `${called} cannot be read by itself (it is a private method, or of a syntax that this version does not know): ` +
      'define the task in a module of its own with defineTask',
  )
}

let acorn: typeof Acorn | undefined

/** Parses an expression in the dress of a function's result, in which `new.target` and `super` are found, not refused. */
function parse(expression: string, strict: boolean) {
  // Here and not at the top: a program that passes no function does not load the parser, and neither do its workers.
  acorn ??= createRequire(import.meta.url)('acorn') as typeof Acorn
  const wrapped = `(function () {${strict ? "'use strict'" : ''}; return ${expression} })`
  try {
    const parsed = acorn.parseExpressionAt(wrapped, 0, {
      ecmaVersion: 'latest',
      sourceType: 'script',
      allowImportExportEverywhere: true,
      allowSuperOutsideMethod: true,
      checkPrivateFields: false,
    })
    const last = parsed.type === 'FunctionExpression' ? parsed.body.body.at(-1) : undefined
    return last?.type === 'ReturnStatement' && last.argument ? { expression: last.argument, wrapped } : undefined
  } catch {
    return undefined
  }
}

/**
 * What tools write into a function: coverage and mutation counters, and the helpers of compilers and module runners. They
 * are refused even where they are global variables: in a worker they are not, or count for nobody.
 */
const toolNames =
  /^(__coverage__|__cov_|cov_[0-9a-z]+$|_\$jscoverage|stry(MutAct|Cov|NS)_|__vite_|__vi_|__webpack_|__turbopack_|__TURBOPACK_|_swc_|tslib(_\d+)?$|_interop_?[rR]equire|_asyncToGenerator|_async_to_generator|_regenerator|_ts_)|__WEBPACK_IMPORTED_MODULE_|^__[a-z][A-Za-z]+$/

const commonJs = new Set(['require', 'module', 'exports', '__filename', '__dirname'])

/** @throws TaskError `ERR_TASK_CAPTURES` */
function refuseCaptures(name: string, { freeNames, surroundings, hidesNames }: Reach): void {
  const byTool = freeNames.filter((each) => toolNames.test(each) && !commonJs.has(each))
  const captured = freeNames.filter((each) => !byTool.includes(each) && !isGlobal(each, globalThis))
  const all = [...surroundings, ...captured]
  const reasons: string[] = []
  if (byTool.length > 0) reasons.push(`was instrumented or compiled by a tool and uses its ${listed(byTool)}`)
  if (all.length > 0) reasons.push(`captures ${listed(all)}`)
  if (hidesNames) reasons.push('calls eval or uses with, which can reach every variable around it')
  if (reasons.length === 0) return
  let message = `the function ${name || '(anonymous)'} ${reasons.join('; it ')}. A worker does not have that: define the task in a module of its own with defineTask`
  if (all.length > 0) message += ', or pass the value as an argument'
  if (name !== '' && captured.includes(name)) message += `; to call itself, write it as function ${name}() {}`
  if (captured.includes('require') || surroundings.some((each) => each.startsWith('import')))
    message += '; import() of a package, a node: module or an absolute URL works there'
  throw new TaskError('ERR_TASK_CAPTURES', message)
}
