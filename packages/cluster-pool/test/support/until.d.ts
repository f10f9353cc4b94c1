export function until(holds: () => boolean | Promise<boolean>, what?: string, ms?: number): Promise<void>
export function rejectionOf(promise: Promise<unknown>): Promise<unknown>
