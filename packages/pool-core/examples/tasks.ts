import { defineTask } from '@heddle/pool-core'

export const initials = defineTask(import.meta.url, 'initials', (name: string) =>
  name
    .split(' ')
    .map(([letter]) => letter)
    .join(''),
)

export const parse = defineTask(import.meta.url, 'parse', async (json: string): Promise<unknown> => JSON.parse(json))
