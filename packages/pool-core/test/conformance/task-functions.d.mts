import type { Task } from '@heddle/pool-core'

type Thrown =
  | 'builtIn'
  | 'custom'
  | 'aggregate'
  | 'null'
  | 'undefined'
  | 'string'
  | 'number'
  | 'object'
  | 'function'
  | 'frozen'
  | 'cyclic'
  | 'uncloneableField'

type Made = 'function' | 'symbol' | 'nested' | 'promise'

export interface Step {
  readonly dir: string
  readonly label: string
  readonly waits?: boolean
}

export interface TaskFunctions {
  add(a: number, b: number): number
  addLater(a: number, b: number): Promise<number>
  square(n: number): number
  echo(value: unknown): unknown
  shown(value: unknown): string
  count(...args: readonly unknown[]): number
  worker(): string
  fail(kind: Thrown | 'system'): never
  failLater(kind: Thrown): Promise<never>
  make(kind: Made): unknown
  makeLater(kind: Made): Promise<unknown>
  log(dir: string, label: string): void
  hold(dir: string, label: string): Promise<string>
  step(item: Step): Promise<string>
  spin(dir: string, label: string): never
  spinInMicrotasks(dir: string, label: string): Promise<never>
  inside(dir: string, label: string): Promise<number>
  exit(code: number): never
  exitLater(code: number): Promise<never>
  leaveThrow(dir: string): string
  failOnThree(n: number): number
}

export declare const taskFunctions: TaskFunctions

export type ConformanceTasks = { readonly [Name in keyof TaskFunctions]: Task<TaskFunctions[Name]> }
