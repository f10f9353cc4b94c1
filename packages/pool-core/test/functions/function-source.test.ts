import { basename } from 'node:path'
import { compileFunction, sourceOf } from '@heddle/pool-core'
import { describe, expect, test } from '@jest/globals'
import { written, writtenInModule } from './support.js'

type Fn = (...args: never[]) => unknown

const captures = (message: string | RegExp) =>
  expect.objectContaining({
    name: 'TaskError',
    code: 'ERR_TASK_CAPTURES',
    message: expect.stringMatching(message) as unknown,
  })
const invalid = (message: string | RegExp) =>
  expect.objectContaining({
    name: 'TypeError',
    code: 'ERR_INVALID_ARG',
    message: expect.stringMatching(message) as unknown,
  })

function refusalOf(fn: unknown): unknown {
  try {
    sourceOf(fn as Fn)
  } catch (error) {
    return error
  }
  return 'not refused'
}

/** The names that a refusal says are captured. */
function capturedBy(fn: Fn): string[] {
  const message = (refusalOf(fn) as Error).message ?? ''
  return /captures (.+?)(?:\. A worker|; it)/.exec(message)?.[1]?.split(/, | and /) ?? []
}

const remade = (fn: Fn) => compileFunction(structuredClone(sourceOf(fn)))

describe('a function of each form runs again from its text', () => {
  const key = 'computed'
  const object: Record<
    | 'double'
    | 'doubleLater'
    | 'upTo'
    | 'upToLater'
    | 'with a space'
    | 'computed'
    | 7
    | 'async'
    | 'get'
    | 'class'
    | 'function',
    Fn
  > = {
    double(x: number) {
      return x * 2
    },
    async doubleLater(x: PromiseLike<number>) {
      return (await x) * 2
    },
    *upTo(x: number) {
      yield* [1, x]
    },
    async *upToLater(x: PromiseLike<number>) {
      yield* [1, await x]
    },
    'with a space'(x: number) {
      return x
    },
    [key](x: number) {
      return x
    },
    7(x: number) {
      return x
    },
    async(x: number) {
      return x
    },
    get(x: number) {
      return x
    },
    class(x: number) {
      return x
    },
    function(x: number) {
      return x
    },
  }
  class Maths {
    static half(x: number) {
      return x / 2
    }
    third(x: number) {
      return x / 3
    }
  }

  test.each<[string, Fn, unknown]>([
    ['double', object.double, 14],
    ['with a space', object['with a space'], 7],
    ['computed', object.computed, 7],
    ['7', object[7], 7],
    ['async', object.async, 7],
    ['get', object.get, 7],
    ['class', object.class, 7],
    ['function', object.function, 7],
    ['half', Reflect.get(Maths, 'half') as Fn, 3.5],
    ['third', Reflect.get(Maths.prototype, 'third') as Fn, 7 / 3],
    ['arrow', written('({ arrow: (x) => x + 1 }).arrow'), 8],
    ['', written('x => ({ x })'), { x: 7 }],
    ['named', written('function named(x) { return x }'), 7],
    ['', written('function (x) { return x }'), 7],
    ['fact', written('function fact(n) { return n < 2 ? 1 : n * fact(n - 1) }'), 5040],
    ['anonymous', written('new Function("x", "return x")'), 7],
  ])('%s', (name, fn, result) => {
    const copy = remade(fn)
    expect(copy(7)).toEqual(result)
    expect(copy.name).toBe(name)
  })

  test('async functions and generators stay what they are', async () => {
    expect(await remade(object.doubleLater)(4)).toBe(8)
    expect([...(remade(object.upTo)(4) as Iterable<number>)]).toEqual([1, 4])
    const later: number[] = []
    for await (const each of remade(object.upToLater)(4) as AsyncIterable<number>) later.push(each)
    expect(later).toEqual([1, 4])
    expect(await remade(written('async (x) => await x'))(4)).toBe(4)
    expect(await remade(written('async function later(x) { return await x }'))(4)).toBe(4)
    expect([...(remade(written('function* once(x) { yield x }'))(4) as Iterable<number>)]).toEqual([4])
  })

  test('the name is the one that the function has when it is passed', () => {
    const fn = written('(x) => x')
    Object.defineProperty(fn, 'name', { value: '../renamed/to a path' })
    expect(remade(fn).name).toBe('../renamed/to a path')
  })

  test('the key of a computed method is not evaluated again', () => {
    const of = written('(key) => ({ async *[ /* ] */ key ](x) { yield x } })[key]') as (key: string) => Fn
    const fn = of('k')
    expect(sourceOf(fn)).toMatchObject({ freeNames: [], name: 'k' })
    expect(remade(fn).name).toBe('k')
  })

  test('what sourceOf gives is plain data, made once for a function', () => {
    const source = sourceOf(object.double)
    expect(structuredClone(source)).toEqual(source)
    expect(sourceOf(object.double)).toBe(source)
  })

  test('the global variables that it uses are listed', () => {
    expect(sourceOf(written('(x) => { console.log(Math.max(x)); return undefined }')).freeNames).toEqual([
      'console',
      'Math',
      'undefined',
    ])
  })
})

describe('a function is strict or sloppy as it was', () => {
  const thisIs = 'function thisIs() { return this === undefined }'

  test('a plain function', () => {
    expect(remade(writtenInModule(thisIs))()).toBe(true)
    expect(remade(written(thisIs))()).toBe(false)
    expect(remade(written(thisIs.replace('{', "{ 'use strict';")))()).toBe(true)
  })

  test('an arrow function whose text is no strict code is sloppy', () => {
    expect(remade(written('() => 010'))()).toBe(8)
  })

  test('any other arrow function is strict', () => {
    expect(remade(written('() => (function () { return this })()'))()).toBeUndefined()
  })

  test('a sloppy function that is running when it is passed', () => {
    const running = written('function running(of) { return of ? of(running) : this === undefined }')
    const copy = compileFunction(running(sourceOf as never) as never)
    expect(copy()).toBe(false)
  })
})

describe('a function that captures is refused, and the message names', () => {
  const constant = 1
  let variable = 2
  variable += 1
  function helper() {
    return 3
  }
  class Local {}
  const object = { constant, inner: { deep: 1 } }

  test('const, let, function, class and import, all of them at once', () => {
    const fn = () => [constant, variable, helper(), new Local(), basename('/a/b')]
    expect(capturedBy(fn)).toEqual(['constant', 'variable', 'helper', 'Local', 'basename'])
    expect(refusalOf(fn)).toEqual(captures(/^the function fn captures .* defineTask, or pass the value as an argument/))
  })

  test('a variable that is only written', () => {
    expect(
      capturedBy(() => {
        variable = 1
      }),
    ).toEqual(['variable'])
    expect(capturedBy(() => variable++)).toEqual(['variable'])
    expect(
      capturedBy(() => {
        ;[variable] = [2]
      }),
    ).toEqual(['variable'])
    expect(
      capturedBy((source: { a: number }) => {
        ;({ a: variable } = source)
      }),
    ).toEqual(['variable'])
  })

  test.each<[string, string, string[]]>([
    ['the default of a parameter', '(x = offset) => x', ['offset']],
    ['a default beside a var of the same name in the body', '(x = offset) => { var offset; return x }', ['offset']],
    ['a nested arrow function', '() => () => outer', ['outer']],
    ['a default inside of a pattern', '({ a: { b = seed } }) => b', ['seed']],
    ['a computed key of a pattern', '({ [key]: a }) => a', ['key']],
    ['a shorthand property', '() => ({ x })', ['x']],
    ['a shorthand property with a default, assigned', '() => { ({ x = y } = {}) }', ['x', 'y']],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a function
    ['a template', '() => `a ${b} c`', ['b']],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a function
    ['a tag', '(x) => tag`a${x}`', ['tag']],
    ['an optional chain', '(x) => maybe?.x?.[index]?.(argument)', ['maybe', 'index', 'argument']],
    ['the field of a class inside', '() => new (class { a = field; static [key] = 1 })()', ['field', 'key']],
    ['the base of a class inside', '() => class extends Base {}', ['Base']],
    ['a static block', '() => class { static { var own = other; own() } }', ['other']],
    ['a method of an object inside', '() => ({ a() { return b }, get c() { return d } })', ['b', 'd']],
    ['typeof of a name', '() => typeof feature', ['feature']],
    ['a let of another block', '() => { { let a = 1 } return a }', ['a']],
    ['a catch parameter outside of its block', '() => { try {} catch (e) {} return e }', ['e']],
    ['a loop variable after its loop', '() => { for (const i of []); return i }', ['i']],
    ['the name of a function expression outside of it', '() => { (function g() {}); return g }', ['g']],
    ['the name of a class expression outside of it', '() => { (class C {}); return C }', ['C']],
    ['the subject of a switch', '() => { switch (a) { case 1: let a } }', ['a']],
    ['arguments of an outer function', '() => arguments[0]', ['arguments']],
    ['this of an arrow function', '() => () => this', ['this']],
    ['a computed key of a class inside', '() => class { [this.a]() {} }', ['this']],
    [
      'what every object inherits',
      '() => [toString, valueOf, hasOwnProperty]',
      ['toString', 'valueOf', 'hasOwnProperty'],
    ],
    ['two of one name', '() => { a(); { let a = 1 } a() }', ['a']],
  ])('%s: %s', (_, text, names) => {
    expect(capturedBy(writtenInModule(text))).toEqual(names)
  })

  test('names of CommonJS, with a way to do without', () => {
    expect(refusalOf(writtenInModule("() => require('node:fs')"))).toEqual(
      captures(/captures require\..*import\(\) of a package, a node: module or an absolute URL works/),
    )
  })

  test('new.target of an arrow function', () => {
    const Outer = written('function () { return () => new.target }')
    expect(capturedBy(Outer() as Fn)).toEqual(['new.target'])
  })

  test('a function that calls itself by a variable, with a way to do without', () => {
    const again = (n: number): number => (n === 0 ? 0 : again(n - 1))
    expect(refusalOf(again)).toEqual(captures(/captures again\..* write it as function again\(\) \{\}/))
  })

  test('super, also of an arrow function in a method', () => {
    expect(capturedBy(written('{ a() { return super.toString() } }.a'))).toEqual(['super'])
    expect(capturedBy(written('{ a() { return () => super.x } }.a()'))).toEqual(['super'])
    expect(capturedBy(written('(class extends Array { a() { return super.at(0) } }).prototype.a'))).toEqual(['super'])
  })

  test('a private name of an outer class', () => {
    class Outer {
      #secret = 1
      peek(other: Outer) {
        return other.#secret
      }
      has(other: object) {
        return #secret in other
      }
    }
    expect(capturedBy(Reflect.get(Outer.prototype, 'peek') as Fn)).toEqual(['#secret'])
    expect(capturedBy(Reflect.get(Outer.prototype, 'has') as Fn)).toEqual(['#secret'])
  })

  test('import.meta', () => {
    expect(capturedBy(() => import.meta.url)).toEqual(['import.meta'])
  })

  test.each(["'./x.js'", "'../x.js'", "'.'", "'#inside'", `\`./$\{1}.js\``])('import(%s)', (specifier) => {
    const fn = writtenInModule(`() => import(${specifier})`)
    expect(refusalOf(fn)).toEqual(captures(/captures import\("[.#].*\)\..*absolute URL works there/))
  })

  test('eval and with, which hide names', () => {
    expect(refusalOf(writtenInModule('(x) => eval(x)'))).toEqual(captures('calls eval'))
    expect(refusalOf(written('(x) => { { (eval)(x) } }'))).toEqual(captures('calls eval'))
    expect(refusalOf(written('function (x) { with (x) y }'))).toEqual(captures('with'))
  })

  test.each([
    ['istanbul', 'function work(x) { cov_1a2b3c().s[0]++; return x }', 'cov_1a2b3c'],
    ['an older istanbul', "(x) => { __coverage__['a.js'].s[0]++; return x }", '__coverage__'],
    ['Stryker', "(x) => { if (stryMutAct_9fa48('0')) {} else { return x } }", 'stryMutAct_9fa48'],
    [
      'TypeScript',
      'function work(x) { return __awaiter(this, void 0, void 0, function* () { yield x }) }',
      '__awaiter',
    ],
    ['TypeScript with tslib', 'function work(x) { return tslib_1.__rest(x, []) }', 'tslib_1'],
    ['Babel', 'function work(x) { return _asyncToGenerator(function* () { yield x })() }', '_asyncToGenerator'],
    ['esbuild', '(x) => { const f = __name(() => x, "f"); return f() }', '__name'],
    ['Vite', '(x) => __vite_ssr_import_0__.basename(x)', '__vite_ssr_import_0__'],
    [
      'webpack',
      '(x) => (0, node_path__WEBPACK_IMPORTED_MODULE_0__.basename)(x)',
      'node_path__WEBPACK_IMPORTED_MODULE_0__',
    ],
  ])('the helper of a tool: %s', (_, text, helper) => {
    const refusal = captures(`was instrumented or compiled by a tool and uses its ${helper}\\..*defineTask`)
    expect(refusalOf(writtenInModule(text))).toEqual(refusal)
    Object.assign(globalThis, { [helper]: () => undefined })
    expect(refusalOf(writtenInModule(text))).toEqual(refusal)
    Reflect.deleteProperty(globalThis, helper)
  })

  test('all reasons, where there are several', () => {
    expect(refusalOf(writtenInModule('(x) => { cov_1(); eval(x); return [this, a, object] }'))).toEqual(
      captures(
        /tool and uses its cov_1; it captures this, a and object; it calls eval or uses with, which can reach every variable around it\./,
      ),
    )
    expect(capturedBy(() => object.inner.deep)).toEqual(['object'])
  })
})

describe('a function that does not capture is not refused', () => {
  test.each([
    '() => globalThis.Deno',
    '({ a, b: { c }, ...rest }) => [a, c, rest]',
    '([a, , b = a, ...[c]]) => [a, b, c]',
    '(o) => o.name1.name2?.name3',
    '() => ({ key1: 1, key2() {}, get key3() { return 1 }, "key4": 2 })',
    '() => { label1: for (;;) { break label1 } }',
    '() => { label2: for (;;) { continue label2 } }',
    '() => { use(); function use() {} }',
    '() => { use = 1; if (use) { var use } for (var i in {}) {} return i }',
    '() => { try { throw 1 } catch ({ message, ...more }) { return [message, more] } }',
    '() => { try { throw 1 } catch { return 1 } }',
    '() => { switch (1) { case 1: let a = 1; case 2: return a } }',
    '() => { for (const [k, v] of []) { k; v } for (let i = 0, n = 1; i < n; i++) i; for (const k in {}) k }',
    'function () { return [arguments.length, this, new.target, () => [this, arguments, new.target]] }',
    'function (arguments_) { return arguments_ }',
    '() => { class A { static b = A; #c = this.d; e() { return [this.#c, #c in this, super.toString()] } static { this.f = super.x } } return A }',
    '() => class extends Array { constructor() { super(); new.target } }',
    '() => ({ a() { return super.toString() } })',
    '() => class A { static a = () => new.target }',
    '() => function f(n) { return n && f(n - 1) }',
    "() => import('node:fs')",
    '(x) => import(x)',
    "() => import('file:///a.js')",
    "() => import('/a.js')",
    "() => (0, eval)('1')",
    "() => eval?.('1')",
    'async function* f(x) { for await (const y of x) yield* y; await null }',
  ])('%s', (text) => {
    expect(sourceOf(writtenInModule(text))).toMatchObject({ strict: true })
  })
})

describe('what is no function of its own is refused', () => {
  class Local {
    get value() {
      return 1
    }
    set value(_) {}
  }
  const { get, set } = Object.getOwnPropertyDescriptor(Local.prototype, 'value') as { get: unknown; set: unknown }

  test.each<[string, unknown, RegExp]>([
    ['a value', 1, /^a pool runs functions, not 1$/],
    ['nothing', undefined, /not undefined$/],
    ['a class', Local, /^the class Local cannot be run: pass a function that makes/],
    ['a class without a name', written('class {}'), /^the class \(anonymous\)/],
    ['a native function', Math.max, /^the function max is native, bound or a Proxy and has no text: pass a function/],
    ['a bound function', function plain() {}.bind(null), /^the function bound plain is native, bound/],
    ['a Proxy', new Proxy(() => 1, {}), /is native, bound or a Proxy/],
    ['a getter', get, /^the function get value is a getter, which cannot be run: pass a function that uses/],
    ['a setter', set, /^the function set value is a setter/],
    [
      'a private method',
      written('(class A { static #hidden() {} static it = A.#hidden }).it'),
      /^the function #hidden cannot be read by itself .*defineTask$/,
    ],
  ])('%s', (_, fn, message) => {
    expect(refusalOf(fn)).toEqual(invalid(message))
  })
})
