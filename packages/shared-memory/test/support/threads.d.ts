/** Runs a job of `fixtures/worker.mjs` in a thread, when the gate is open. Resolves when the thread has ended. */
export declare function inThread(job: string, data: object, gate?: Int32Array): Promise<unknown>

export declare function closedGate(): Int32Array

/** Opens the gate when `count` threads wait at it, so that they begin together. */
export declare function openGate(gate: Int32Array, count: number): Promise<void>
