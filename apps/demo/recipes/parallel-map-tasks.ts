import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { defineTask } from '@heddle/worker-pool'

export const hashFile = defineTask(import.meta.url, 'hashFile', async (path: string) =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex'),
)
