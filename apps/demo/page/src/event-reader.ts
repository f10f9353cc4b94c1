/** One of the events of a stream of server-sent events. */
export interface ServerEvent {
  readonly name: string
  readonly data: string
}

/**
 * Cuts the text of a stream of server-sent events, which comes in pieces of any size, into its events.
 *
 * **Invariant:** what is kept is the beginning of one event, which has not ended yet.
 */
export class EventReader {
  #rest = ''

  /** The events that this piece has completed. Those without data, such as a comment that keeps the line alive, are none. */
  take(piece: string): readonly ServerEvent[] {
    const blocks = (this.#rest + piece).split('\n\n')
    this.#rest = blocks.pop() ?? ''
    return blocks.map(eventOf).filter(({ data }) => data !== '')
  }
}

function eventOf(block: string): ServerEvent {
  const lines = block.split('\n')
  const valuesOf = (field: string) =>
    lines.filter((line) => line.startsWith(`${field}:`)).map((line) => line.slice(field.length + 1).replace(/^ /, ''))
  return { name: valuesOf('event').at(-1) ?? 'message', data: valuesOf('data').join('\n') }
}
