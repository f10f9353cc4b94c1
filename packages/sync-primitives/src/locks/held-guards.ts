import { threadHooks } from '../memory/thread-hooks.js'

/**
 * How many guards this thread holds: every guard counts itself when it begins to hold, and when it ceases to.
 *
 * A bare field, since a call could overflow the stack between taking a lock and counting it.
 */
export const guards = { held: 0 }

// A thread may load this package twice, in two versions say. Each copy knows its own guards.
const ofOtherCopies = threadHooks.heldGuards
threadHooks.heldGuards = ofOtherCopies ? () => ofOtherCopies() + guards.held : () => guards.held
