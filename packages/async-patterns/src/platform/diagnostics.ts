import { builtin } from './builtin.js'

/** What a channel of `node:diagnostics_channel` is to us. Asking for subscribers costs some nanoseconds. */
export interface Channel {
  readonly hasSubscribers: boolean
  publish(message: unknown): void
}

const silent: Channel = { hasSubscribers: false, publish: () => undefined }

/** The channel `heddle:async-patterns:<event>`; where the runtime has no channels, one that nobody can subscribe to. */
export function channel(event: string): Channel {
  return builtin('node:diagnostics_channel')?.channel(`heddle:async-patterns:${event}`) ?? silent
}
