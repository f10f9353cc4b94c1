/** Where a structure's own words begin, behind those of its store. */
export declare const structureAt: number

export declare function check(condition: unknown, message: string): asserts condition

/** Checks every block and bin of the structure at `index`; throws what is wrong. Returns the blocks by state, and how many. */
export declare function auditStore(
  raw: Int32Array,
  index: number,
): { readonly blocks: Record<string, Set<number>>; readonly count: Record<string, number> }
