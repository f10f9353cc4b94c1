import { existsSync, opendirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UsageError } from '../cli/exit-codes.js'
import { codeOf } from '../index-job/notes.js'
import type { Selects } from '../index-job/walk.js'
import { printable } from '../printable.js'

/** What the index command works on. */
export interface Input {
  /** The folder: its bytes as Latin-1, without a final slash. */
  readonly root: string
  /** The folder as it may be printed. */
  readonly title: string
  /** The endings of the wanted files; undefined: all files. */
  readonly extensions: readonly string[] | undefined
  readonly selects: Selects
}

const standardExtensions = ['md', 'ts', 'mts', 'cts', 'tsx']

/**
 * The folder to index and the files that are wanted. Without a folder: Markdown and TypeScript in the workspace that holds
 * the demo.
 *
 * @throws UsageError: no such folder, or a list of endings that none can be
 */
export function openInput(folder: string | undefined, list: string | undefined): Input {
  const given = list === undefined ? undefined : parseExtensions(list)
  const extensions = given ?? (folder === undefined ? standardExtensions : undefined)
  const path = folder === undefined ? workspaceRoot() : resolve(folder)
  requireFolder(path)
  const root = Buffer.from(path, 'utf8').toString('latin1').replace(/\/+$/, '')
  return { root, title: printable(path), extensions, selects: selectorOf(extensions) }
}

function parseExtensions(list: string): string[] {
  return list.split(',').map((item) => {
    const extension = item.trim().replace(/^\./, '').toLowerCase()
    if (extension === '' || /[/*?\\]/.test(extension))
      throw new UsageError(`--ext takes endings such as md,ts and not "${printable(item)}"`)
    return extension
  })
}

function selectorOf(extensions: readonly string[] | undefined): Selects {
  if (extensions === undefined) return () => true
  const endings = extensions.map((extension) => `.${Buffer.from(extension, 'utf8').toString('latin1')}`)
  return (name) => {
    const lowered = name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
    return endings.some((ending) => lowered.endsWith(ending))
  }
}

function workspaceRoot(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'pnpm-workspace.yaml'))) return folder
    if (folder === dirname(folder))
      throw new UsageError('there is no workspace around the demo: name a folder with --input DIR')
  }
}

function requireFolder(path: string): void {
  const shown = printable(path)
  try {
    // Not with throwIfNoEntry: newer versions of Node hide ENOTDIR with it.
    if (!statSync(path).isDirectory())
      throw new UsageError(`${shown} is no folder: give the folder that holds it with --input DIR`)
    opendirSync(path).closeSync()
  } catch (error) {
    if (error instanceof UsageError) throw error
    if (codeOf(error) === 'ENOENT')
      throw new UsageError(`there is no folder ${shown}: give one that exists with --input DIR`)
    if (codeOf(error) === 'ENOTDIR')
      throw new UsageError(`${shown} leads through a file: give a folder with --input DIR`)
    throw new UsageError(`the folder ${shown} cannot be read (${codeOf(error)}): give another one with --input DIR`)
  }
}
