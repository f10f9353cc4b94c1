interface Builtins {
  'node:async_hooks': typeof import('node:async_hooks')
  'node:diagnostics_channel': typeof import('node:diagnostics_channel')
}

/** A module of the runtime if it has such modules (Node, Deno, Bun), else undefined: an import would not load in a page. */
export function builtin<Name extends keyof Builtins>(name: Name): Builtins[Name] | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }
  return process?.getBuiltinModule?.(name) as Builtins[Name] | undefined
}
