import type { ChildProcess } from 'node:child_process'
import type { SharedDict } from '@heddle/shared-memory'

/** A process that does a job of `fixtures/dict-child.mjs` with the dict. */
export declare function startProcess<Value>(job: string, dict: SharedDict<Value>, data: object): ChildProcess

/** Resolves with the code, or the signal, when it has ended. */
export declare function ended(child: ChildProcess): Promise<number | string>

/** Resolves with what the process says next. */
export declare function said(child: ChildProcess): Promise<unknown>
