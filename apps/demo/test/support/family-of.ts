import { childrenOf } from './left-behind.js'

/** All processes that live below a process, and below those. */
export function familyOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...familyOf(child)])
}
