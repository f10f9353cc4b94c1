import { compileFunction } from 'node:vm'
import { sourceOf } from '@heddle/pool-core'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { type written, writtenInModule } from './support.js'

const names = ['a', 'b', 'c', 'd']
/** Functions of the running text, each of which is to be called once. */
const functions: (() => unknown)[] = []

// Global variables are free names that sourceOf lists and does not refuse.
const globals = { later: (fn: () => unknown) => functions.push(fn), a: 0, b: 0, c: 0, d: 0 }
beforeAll(() => {
  Object.assign(globalThis, globals)
})
afterAll(() => {
  for (const name of Object.keys(globals)) Reflect.deleteProperty(globalThis, name)
})

const name = fc.constantFrom(...names)

/**
 * Texts of functions in which all that is written is executed, whatever fails: each use is in a `try` of its own, and each
 * function is called later. So the engine, made to run it under a `with` that watches, looks each free name up there, and no
 * other.
 */
const { fn } = fc.letrec<{ fn: string; expression: string; pattern: string; statement: string; block: string }>(
  (tie) => {
    const expression = tie('expression')
    const pattern = tie('pattern')
    const block = tie('block')
    const text = (...parts: (string | fc.Arbitrary<string>)[]) =>
      fc
        .tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part)))
        .map((written) => written.join(''))
    const oneOf = (depthSize: 'small' | 'medium', ...kinds: fc.Arbitrary<string>[]) =>
      fc.oneof({ maxDepth: 4, depthSize }, ...kinds)
    const parameters = fc.array(tie('pattern'), { maxLength: 2 }).map((each) => each.map((one) => `${one} = {}`).join())
    const body = fc.array(tie('statement'), { minLength: 1, maxLength: 4 }).map((each) => `{ ${each.join('; ')} }`)

    // No block inside: there V8 of Node 20 allows declarations that the language forbids.
    const staticBlock = text('static { ', expression, '; var ', pattern, ' = {} }')

    return {
      fn: oneOf(
        'small',
        text('function (', parameters, ') ', body),
        text('function ', name, '(', parameters, ') ', body),
        text('(', parameters, ') => ', body),
        text('(', parameters, ') => ', expression),
        text('({ method(', parameters, ') ', body, ' }).method'),
      ),
      expression: oneOf(
        'small',
        text('(() => { try { return ', name, ' } catch {} })()'),
        text('(() => { try { typeof ', name, ' } catch {} })()'),
        text('(() => { try { ', name, ' = {} } catch {} })()'),
        text('(() => { try { return { ', name, ' } } catch {} })()'),
        text('(() => { try { [', name, '.', name, '] } catch {} })()'),
        text('(() => { try { ({ ', name, ': ', name, ' = ', expression, ' } = {}) } catch {} })()'),
        text('later(', tie('fn'), ')'),
        text('`${', expression, '}`'),
        text('({ ', name, ': ', expression, ', [', expression, ']: 0 })'),
        text('class ', name, ' { static [', expression, '] = ', expression, '; ', staticBlock, ' }'),
        text('later((class ', name, ' { static method(', parameters, ') ', body, ' }).method)'),
      ),
      pattern: oneOf(
        'medium',
        name,
        text('{ ', name, ' = ', expression, ' }'),
        text('{ x: { ', name, ': ', pattern, ' = {} } = {} }'),
        text('{ [', expression, ']: ', name, ', ...', name, ' }'),
      ),
      statement: oneOf(
        'small',
        expression,
        text('var ', pattern, ' = {}'),
        text('let ', pattern, ' = {}'),
        text('const ', pattern, ' = {}'),
        text('function ', name, '() {}'),
        text('class ', name, ' { static x = ', expression, ' }'),
        block,
        text('for (const ', pattern, ' of [{}]) ', block),
        text('for (var ', pattern, ' of [{}]) ', block),
        text('for (let ', name, ' = 0, once = true; once; once = false) ', block),
        text('try { throw {} } catch (', pattern, ') ', block),
        text('try { ', tie('statement'), '; throw 0 } catch ', block, ' finally ', block),
        text('switch (', expression, ') { default: ', tie('statement'), '; case 1: ', tie('statement'), ' }'),
        name.chain((label) => text(`${label}: for (;;) { `, expression, `; break ${label} }`)),
      ),
      block: fc.array(tie('statement'), { maxLength: 3 }).map((each) => `{ ${each.join('; ')} }`),
    }
  },
)

type Make = (watch: object, later: typeof globals.later) => () => unknown

/** The names that the engine looks up outside of the function when it runs. */
function lookedUp(text: string): Set<string> {
  const seen = new Set<string>()
  const watch = new Proxy(Object.create(null) as Record<string, unknown>, {
    has: (_, key) => names.includes(String(key)) && Boolean(seen.add(String(key))),
    get: () => undefined,
    set: () => true,
  })
  const code = `with (watch) { return (() => { 'use strict'; return (${text}) })() }`
  functions.length = 0
  functions.push((compileFunction(code, ['watch', 'later']) as Make)(watch, globals.later))
  for (const each of functions) each()
  return seen
}

test('free are the names that the engine looks up outside of the function', () => {
  let compared = 0
  fc.assert(
    fc.property(fn, (text) => {
      const made = compiled(text)
      fc.pre(made !== undefined)
      compared++
      const free = sourceOf(made).freeNames.filter((each) => names.includes(each))
      expect(free.toSorted()).toEqual([...lookedUp(text)].toSorted())
    }),
    { numRuns: 500, maxSkipsPerRun: 100 },
  )
  expect(compared).toBeGreaterThanOrEqual(500)
})

/** Undefined for a text that declares a name twice: that is no program. */
function compiled(text: string): ReturnType<typeof written> | undefined {
  try {
    return writtenInModule(`(${text})`)
  } catch {
    return undefined
  }
}
