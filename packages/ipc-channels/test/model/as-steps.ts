import { readFileSync } from 'node:fs'
import { runInThisContext } from 'node:vm'
import * as interleave from '@heddle/interleave'
import * as buildingBlocks from '@heddle/sync-primitives/building-blocks'
import { type AnyNode, type CallExpression, type Function as FunctionNode, parse } from 'acorn'

/** What a module exports, as generators in place of functions. */
// biome-ignore lint/suspicious/noExplicitAny: the functions of any module
type Module = Record<string, any>

/** Methods of the parameters that are steps, or several: of locks, of memories, and of where items come from and go to. */
const stepMethods = new Set(['lock', 'unlock', 'writeAt', 'readFrom', 'prepare', 'notify', 'isDead'])
/** Parameters that are called, and take steps. */
const stepCallbacks = new Set(['attempt', 'isMore'])

/**
 * The functions of modules of `dist`, as generators in which each access to `words`, each call of `Atomics`, of a lock and of a
 * memory is a step of the model checker: the lines that run are the lines that are explored. The modules see one another, and
 * of others what `scope` has.
 *
 * It is for modules in the style of `src/ring`: functions of the module level that share nothing but `words`, in a variable of
 * this name. Whatever it does not understand of them it refuses.
 */
export function asSteps(files: readonly URL[], scope: Module): Module {
  const sources = files.map((file) => readFileSync(file, 'utf8'))
  const trees = sources.map((source) => parse(source, { ecmaVersion: 2023, sourceType: 'module' }))
  const names = trees.flatMap((tree) => tree.body.flatMap((node) => functionOf(node)?.id?.name ?? []))
  const generators = new Set(names)
  const code = sources
    .map((source, file) => new Rewriting(source, generators).module(trees[file] as AnyNode))
    .join('\n')
  const known = { ...buildingBlocks, ...scope }
  const inside = new Set([...names, ...trees.flatMap((tree) => tree.body.flatMap(constantsOf))])
  const outside = Object.keys(known).filter((name) => !inside.has(name))
  const exports = [...inside].join(', ')
  const make = runInThisContext(
    `(steps, known) => {\n'use strict'\nconst { ${outside.join(', ')} } = known\n${code}\nreturn { ${exports} }\n}`,
  ) as (steps: typeof interleave, known: Module) => Module
  return make(interleave, known)
}

function functionOf(node: AnyNode): FunctionNode | undefined {
  if (node.type === 'FunctionDeclaration') return node
  return node.type === 'ExportNamedDeclaration' && node.declaration?.type === 'FunctionDeclaration'
    ? node.declaration
    : undefined
}

function constantsOf(node: AnyNode): string[] {
  const declared = node.type === 'ExportNamedDeclaration' ? node.declaration : node
  if (declared?.type !== 'VariableDeclaration') return []
  return declared.declarations.flatMap(({ id }) => (id.type === 'Identifier' ? id.name : []))
}

class Rewriting {
  readonly #source: string
  readonly #generators: ReadonlySet<string>

  constructor(source: string, generators: ReadonlySet<string>) {
    this.#source = source
    this.#generators = generators
  }

  module(tree: AnyNode): string {
    if (tree.type !== 'Program') throw new Error('not a module')
    return tree.body.map((node) => this.#statement(node)).join('\n')
  }

  #statement(node: AnyNode): string {
    if (node.type === 'ImportDeclaration') return ''
    if (node.type === 'ExportNamedDeclaration') return node.declaration ? this.#statement(node.declaration) : ''
    // Constants that another module exports are in the scope; those of this one stand where they are.
    if (node.type === 'FunctionDeclaration') {
      const { id, params, body } = node
      return `function* ${id?.name}(${params.map((each) => this.#text(each)).join(', ')}) ${this.#render(body)}`
    }
    if (node.type === 'VariableDeclaration') return this.#render(node).replace(/^const /, 'var ')
    throw new Error(`a ${node.type} on the level of the module`)
  }

  #render(node: AnyNode): string {
    switch (node.type) {
      case 'CallExpression':
        return this.#call(node)
      case 'YieldExpression':
        if (node.delegate && node.argument?.type === 'CallExpression') return `yield* ${this.#plainCall(node.argument)}`
        break
      case 'AssignmentExpression':
        if (node.left.type !== 'MemberExpression' || !this.#isWords(node.left)) break
        if (node.operator !== '=') throw new Error(`words[…] ${node.operator}`)
        return `(yield steps.store(${this.#render(node.left.property)}, ${this.#render(node.right)}))`
      case 'MemberExpression':
        if (this.#isWords(node)) return `(yield steps.load(${this.#render(node.property)}))`
        break
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        throw new Error('a function within a function: its steps would be hidden')
      default:
    }
    return this.#children(node)
  }

  #isWords(node: AnyNode): boolean {
    return (
      node.type === 'MemberExpression' &&
      node.computed &&
      node.object.type === 'Identifier' &&
      node.object.name === 'words'
    )
  }

  #call(node: CallExpression): string {
    const { callee } = node
    if (callee.type === 'Identifier') {
      const isSteps = this.#generators.has(callee.name) || stepCallbacks.has(callee.name)
      return isSteps ? `(yield* ${this.#plainCall(node)})` : this.#plainCall(node)
    }
    if (callee.type === 'MemberExpression' && callee.property.type === 'Identifier') {
      const { name } = callee.property
      if (callee.object.type === 'Identifier' && callee.object.name === 'Atomics') {
        const [words, ...rest] = node.arguments
        if (words?.type !== 'Identifier' || words.name !== 'words') throw new Error(`Atomics.${name} of something else`)
        return `(yield steps.${name}(${rest.map((each) => this.#render(each)).join(', ')}))`
      }
      if (stepMethods.has(name)) return `(yield* ${this.#plainCall(node)})`
    }
    return this.#plainCall(node)
  }

  #plainCall(node: CallExpression): string {
    return `${this.#render(node.callee)}(${node.arguments.map((each) => this.#render(each)).join(', ')})`
  }

  /** The node's own text, with its children rewritten. */
  #children(node: AnyNode): string {
    let text = ''
    let at = node.start
    for (const child of childrenOf(node)) {
      text += this.#source.slice(at, child.start) + this.#render(child)
      at = child.end
    }
    return text + this.#source.slice(at, node.end)
  }

  #text(node: AnyNode): string {
    return this.#source.slice(node.start, node.end)
  }
}

function childrenOf(node: AnyNode): AnyNode[] {
  const children: AnyNode[] = []
  const seen = new Set<number>()
  for (const value of Object.values(node))
    for (const each of [value].flat() as unknown[]) {
      if (typeof each !== 'object' || each === null || typeof (each as AnyNode).type !== 'string') continue
      // `{ words }` has one name as its key and as its value.
      if (seen.has((each as AnyNode).start)) continue
      seen.add((each as AnyNode).start)
      children.push(each as AnyNode)
    }
  return children.sort((a, b) => a.start - b.start)
}
