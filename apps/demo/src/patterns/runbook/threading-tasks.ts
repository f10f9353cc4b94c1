import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { defineTask } from '@heddle/worker-pool'

/** Reads a file, which holds up its own thread alone, and gives its digest. */
export const digestOfFile = defineTask(import.meta.url, 'digestOfFile', (path: string) =>
  createHash('sha256').update(readFileSync(path)).digest('hex'),
)
