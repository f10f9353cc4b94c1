/** Checks every block, bin and count of the dict at `index`; throws what is wrong. Returns how many blocks there are by state. */
export declare function auditDict(raw: Int32Array, index: number): Record<string, number>
