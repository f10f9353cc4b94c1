import type {
  AnyNode,
  ArrowFunctionExpression,
  Class,
  FunctionDeclaration,
  FunctionExpression,
  Identifier,
} from 'acorn'

export type FunctionNode = FunctionDeclaration | FunctionExpression | ArrowFunctionExpression

/** What a function's text needs of the place where it stands, in the order of the text. */
export interface Reach {
  /** Names that the function uses and does not declare: global variables, or captured ones. */
  readonly freeNames: readonly string[]
  /** What belongs to the surrounding code and has no name: `this` of an arrow function, `super`, `#field`, `import.meta` … */
  readonly surroundings: readonly string[]
  /** Whether a direct `eval` or a `with` hides from the text which names are used. */
  readonly hidesNames: boolean
}

/**
 * Which names of a function are not its own. Does not block.
 *
 * Follows the scopes of the language: parameters (their defaults do not see the body), `var` hoisted to the function,
 * `let`, `const`, `class`, `using` and functions of a block, loop heads, `catch` parameters, the own names of function and
 * class expressions. Labels and property names are no uses. `typeof x` is one like any other: were `x` captured, the worker
 * would silently say `'undefined'`. In sloppy code a function declared in a block counts as the block's alone, so a use
 * outside of it is free.
 *
 * Invariant: a name is resolved when its scope is left, once every declaration of that scope is known.
 */
export function reachOf(fn: FunctionNode): Reach {
  const walk = new ScopeWalk()
  walk.function(fn, false)
  return { freeNames: [...walk.freeNames], surroundings: [...walk.surroundings], hidesNames: walk.hidesNames }
}

interface Scope {
  readonly outer: Scope | undefined
  /** A function's body or a static block: where `var` comes to rest. */
  readonly holdsVars: boolean
  readonly declared: Set<string>
  readonly used: Set<string>
}

class ScopeWalk {
  readonly freeNames = new Set<string>()
  readonly surroundings = new Set<string>()
  hidesNames = false

  #scope: Scope = { outer: undefined, holdsVars: false, declared: new Set(), used: this.freeNames }
  /** Whether `this` and `new.target`, and whether `super`, belong to something inside of the function. */
  #own = { this: false, super: false }
  readonly #privateNames: Set<string>[] = []

  /** @param own - whether the function has a `super` of its own, as a method inside of the walked function has */
  function(node: FunctionNode, own: boolean): void {
    const isArrow = node.type === 'ArrowFunctionExpression'
    this.#owning(isArrow ? this.#own : { this: true, super: own }, () =>
      this.#inScope(false, () => {
        if (!isArrow) this.#scope.declared.add('arguments')
        if (node.type === 'FunctionExpression') this.#declareName(node.id)
        for (const parameter of node.params) this.#declare(parameter, this.#scope)
        if (node.body.type === 'BlockStatement') this.#inScope(true, () => this.#children(node.body))
        else this.#visit(node.body)
      }),
    )
  }

  #class(node: Class): void {
    this.#inScope(false, () => {
      this.#declareName(node.id)
      const privateNames = new Set<string>()
      for (const { key } of node.body.body.filter((element) => element.type !== 'StaticBlock'))
        if (key.type === 'PrivateIdentifier') privateNames.add(key.name)
      this.#privateNames.push(privateNames)
      this.#visit(node.superClass)
      for (const element of node.body.body) {
        if (element.type !== 'StaticBlock' && element.computed) this.#visit(element.key)
        if (element.type === 'MethodDefinition') this.function(element.value, true)
        else
          this.#owning({ this: true, super: true }, () => {
            if (element.type === 'PropertyDefinition') this.#visit(element.value)
            else this.#inScope(true, () => this.#children(element))
          })
      }
      this.#privateNames.pop()
    })
  }

  #visit(node: AnyNode | null | undefined): void {
    if (!node) return
    switch (node.type) {
      case 'Identifier':
        this.#scope.used.add(node.name)
        return
      case 'FunctionDeclaration':
        this.#declareName(node.id)
        this.function(node as FunctionDeclaration, false)
        return
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        this.function(node, false)
        return
      case 'ClassDeclaration':
        this.#declareName(node.id)
        this.#class(node)
        return
      case 'ClassExpression':
        this.#class(node)
        return
      case 'VariableDeclaration':
        for (const { id, init } of node.declarations) {
          this.#declare(id, node.kind === 'var' ? this.#varScope() : this.#scope)
          this.#visit(init)
        }
        return
      case 'BlockStatement':
      case 'ForStatement':
      case 'ForInStatement':
      case 'ForOfStatement':
        this.#inScope(false, () => this.#children(node))
        return
      case 'SwitchStatement':
        this.#visit(node.discriminant)
        this.#inScope(false, () => {
          for (const each of node.cases) this.#visit(each)
        })
        return
      case 'CatchClause':
        this.#inScope(false, () => {
          if (node.param) this.#declare(node.param, this.#scope)
          this.#visit(node.body)
        })
        return
      case 'MemberExpression':
        this.#visit(node.object)
        if (node.computed || node.property.type === 'PrivateIdentifier') this.#visit(node.property)
        return
      case 'Property':
        if (node.computed) this.#visit(node.key)
        if (node.value.type === 'FunctionExpression' && (node.method || node.kind !== 'init'))
          this.function(node.value, true)
        else this.#visit(node.value)
        return
      case 'LabeledStatement':
        this.#visit(node.body)
        return
      case 'BreakStatement':
      case 'ContinueStatement':
        return
      default:
        this.#noteSurroundings(node)
        this.#children(node)
    }
  }

  #noteSurroundings(node: AnyNode): void {
    switch (node.type) {
      case 'ThisExpression':
        if (!this.#own.this) this.surroundings.add('this')
        return
      case 'Super':
        if (!this.#own.super) this.surroundings.add('super')
        return
      case 'MetaProperty':
        if (node.meta.name === 'import') this.surroundings.add('import.meta')
        else if (!this.#own.this) this.surroundings.add('new.target')
        return
      case 'PrivateIdentifier':
        if (!this.#privateNames.some((names) => names.has(node.name))) this.surroundings.add(`#${node.name}`)
        return
      case 'ImportExpression': {
        const specifier = startOfText(node.source)
        // `./` and `../` are relative to the module of the function, and `#` to its package.
        if (specifier !== undefined && /^(\.\.?\/|\.\.?$|#)/.test(specifier))
          this.surroundings.add(`import(${JSON.stringify(specifier)})`)
        return
      }
      case 'CallExpression':
        // `eval?.(…)` and `(0, eval)(…)` are indirect: they see global variables only.
        if (!node.optional && node.callee.type === 'Identifier' && node.callee.name === 'eval') this.hidesNames = true
        return
      case 'WithStatement':
        this.hidesNames = true
    }
  }

  #children(node: AnyNode): void {
    // `new.target` and `import.meta` are made of two identifiers that are no names.
    if (node.type === 'MetaProperty') return
    for (const value of Object.values(node) as unknown[])
      for (const child of Array.isArray(value) ? (value as unknown[]) : [value]) if (isNode(child)) this.#visit(child)
  }

  /** Enters the names that a pattern binds; its default values and computed keys are uses. */
  #declare(pattern: AnyNode, scope: Scope): void {
    switch (pattern.type) {
      case 'Identifier':
        scope.declared.add(pattern.name)
        return
      case 'ObjectPattern':
        for (const property of pattern.properties) {
          if (property.type === 'Property' && property.computed) this.#visit(property.key)
          this.#declare(property.type === 'Property' ? property.value : property.argument, scope)
        }
        return
      case 'ArrayPattern':
        for (const element of pattern.elements) if (element) this.#declare(element, scope)
        return
      case 'AssignmentPattern':
        this.#declare(pattern.left, scope)
        this.#visit(pattern.right)
        return
      case 'RestElement':
        this.#declare(pattern.argument, scope)
    }
  }

  #declareName(id: Identifier | null | undefined): void {
    if (id) this.#scope.declared.add(id.name)
  }

  #varScope(): Scope {
    let scope = this.#scope
    while (!scope.holdsVars && scope.outer) scope = scope.outer
    return scope
  }

  #inScope(holdsVars: boolean, walk: () => void): void {
    const outer = this.#scope
    const scope: Scope = { outer, holdsVars, declared: new Set(), used: new Set() }
    this.#scope = scope
    walk()
    this.#scope = outer
    for (const name of scope.used) if (!scope.declared.has(name)) outer.used.add(name)
  }

  #owning(own: { this: boolean; super: boolean }, walk: () => void): void {
    const before = this.#own
    this.#own = own
    walk()
    this.#own = before
  }
}

/** What a string or a template begins with, as far as it is written out. */
function startOfText(node: AnyNode): string | undefined {
  if (node.type === 'Literal') return typeof node.value === 'string' ? node.value : undefined
  return node.type === 'TemplateLiteral' ? (node.quasis[0]?.value.cooked ?? undefined) : undefined
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}
