import type { Task } from '@heddle/pool-core'
import type { ContextFunctions } from './context-functions.mjs'
import type { FaultFunctions } from './fault-functions.mjs'

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

export interface Item {
  readonly dir: string
  readonly n: number
  readonly does?: 'spin' | 'throw' | 'exit' | 'exit once'
}

export interface Passed {
  readonly dir: string
  readonly n: number
  readonly waits: boolean
}

export interface TaskFunctions extends FaultFunctions, ContextFunctions {
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
  listen(dir: string, label: string): Promise<void>
  open(dir: string): void
  mark(list: unknown[]): [length: number, list: unknown[], worker: string]
  ownId(): Promise<string | undefined>
  ownIdAtOnce(): string | undefined
  reuse(n: number): { n: number }
  grow(o: { list: number[] }): number
  hear(dir: string, label: string, waits: boolean): string | Promise<string>
  sneaky(n: number): number | number[]
  exitAt(item: { n: number; at: number }): number
  quick(ms: number): Promise<number>
  attempt(): number
  exitUntil(attempt: number): number
  failUntil(attempt: number): number
  spinUntil(dir: string, attempt: number): number
  exitBehind(): string
  unlessOdd(n: number, odd: number, does: 'exit' | 'throw' | Made): unknown
  act(item: Item): number
  pass(item: Passed): number | Promise<number>
  remember(value: { readonly part: object }): unknown
  remaining(): Promise<number>
}

export declare const taskFunctions: TaskFunctions

export type ConformanceTasks = { readonly [Name in keyof TaskFunctions]: Task<TaskFunctions[Name]> }
