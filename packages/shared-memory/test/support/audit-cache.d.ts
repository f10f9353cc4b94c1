/** Checks every block, bin, link and sum of the cache at `index`; throws what is wrong. Returns how many blocks there are by state. */
export declare function auditCache(raw: Int32Array, index: number): Record<string, number>
