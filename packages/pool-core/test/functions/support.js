import { runInThisContext } from 'node:vm'

/** A function of this text, in sloppy code, which no compiler of this file has touched. */
export const written = (text) => runInThisContext(`(${text})`)

/** A function of this text as a module has it: strict. */
export const writtenInModule = (text) => runInThisContext(`'use strict'; (${text})`)
