import diagnostics from 'node:diagnostics_channel'

/** The channel `heddle:pool-core:<event>`. Nobody makes a message for it while nobody has subscribed. */
export function channel(event: string): diagnostics.Channel {
  return diagnostics.channel(`heddle:pool-core:${event}`)
}
