import { defineTask } from '@heddle/pool-core'

interface Sides {
  readonly a: number
  readonly b: number
}

export const area = defineTask(import.meta.url, 'area', ({ a, b }: Sides): number => a * b)
