/** Milliseconds, short, so that what is lost is soon found. A real cluster has longer ones, and less traffic. */
export const lockDuration = 2_000
export const stalledInterval = 1_000
/** Batches that a node has under way at a time. */
export const concurrency = 2
