/** Checks every block, bin of the list at `index`; throws what is wrong. Returns how many words its chunks have. */
export declare function auditList(raw: Int32Array, index: number): number
