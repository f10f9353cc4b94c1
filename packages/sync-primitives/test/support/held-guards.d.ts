/** How many guards the package says that this thread holds. */
export declare function heldGuards(): number
