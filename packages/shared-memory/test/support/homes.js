import { Segment } from '@heddle/shared-memory'
import { ThreadMemory } from '@heddle/sync-primitives'

export const homes = [
  { home: 'a buffer of its own', memory: () => undefined },
  { home: 'a thread memory', memory: () => ThreadMemory.create({ bytes: 256 * 1024 }) },
  { home: 'a segment', memory: () => Segment.create({ size: 256 * 1024 }) },
]
