/** What one object asks the server to publish. A request that comes again has the same number. */
export interface PublishRequest {
  readonly number: number
  /** In base64. */
  readonly bodies: readonly string[]
}

/**
 * What the server does for one topic. Each message, and each mark, gets its place in the row in the step that publishes it.
 *
 * Invariant: the notices of a topic come in the order of their places. A message has the next place after the one before; a mark
 * has the place of the last message. Places are counted in an epoch: when the server has forgotten the topic, another one begins.
 */
export interface TopicStore {
  /** The name of the notices. */
  readonly channel: string
  publish(request: PublishRequest): Promise<void>
  /** Tells all subscribers the place of the last message. */
  mark(): Promise<void>
}

/** What a notice of a topic says. */
export interface TopicNotice {
  readonly epoch: string
  readonly place: number
  /** In base64; undefined: it is a mark. */
  readonly body: string | undefined
}

/** An epoch and a place, and of a message the body, with blanks between. */
export function topicNoticeOf(notice: string): TopicNotice {
  const [epoch = '', place = '', body] = notice.split(' ')
  return { epoch, place: Number(place), body }
}

/** How long the server remembers a topic that is not used, and the last requests of an object. */
export const topicMemoryMs = 86_400_000
export const publisherMemoryMs = 3_600_000
