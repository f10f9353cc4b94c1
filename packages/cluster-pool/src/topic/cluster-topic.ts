import { randomUUID } from 'node:crypto'
import { toBytes } from '@heddle/codec'
import { objectOf, signalOf, wholeNumber } from '@heddle/pool-core/building-blocks'
import type { Cluster } from '../connection/cluster.js'
import { nameOf } from '../connection/cluster-options.js'
import { type Server, serverOf } from '../connection/cluster-server.js'
import { Waiter } from '../queue/waiter.js'
import { ClusterSubscription } from './cluster-subscription.js'
import { PostgresTopic } from './postgres-topic-store.js'
import { Publisher } from './publisher.js'
import { RedisTopic } from './redis-topic.js'
import type { ClusterSubscribeOptions } from './topic-options.js'
import type { TopicStore } from './topic-store.js'

/**
 * Broadcast over the cluster's server: any number of programs publish, and each subscription gets all messages that are published
 * after it was made, in one order that all of them see. All objects of one name, in clusters of one prefix, are the same topic.
 *
 * Messages are copied by the codec's rules when they are published. They are for those who listen at the moment: nothing is kept
 * on the server for those who come later, or whose connection is away; these are told how many they have missed. Publishers do
 * not wait for subscribers: a subscription that does not keep up loses the oldest messages, and is told how many.
 *
 * Order: the messages of one object go in the order of its calls; between objects the server decides.
 *
 * Nothing here blocks the thread. The object itself does not keep the process alive, and needs no closing.
 */
export class ClusterTopic<T> {
  /** Its name on the server. */
  readonly name: string
  readonly #server: Server
  readonly #store: TopicStore
  readonly #publisher: Publisher

  /**
   * Opens the topic of that name. Does not ask the server.
   *
   * @param name - 1 to 200 characters
   * @throws TypeError `ERR_INVALID_ARG`: bad arguments
   */
  constructor(cluster: Cluster, name: string) {
    const server = serverOf(cluster)
    this.name = nameOf(name)
    this.#server = server
    const id = randomUUID()
    this.#store = server.engine === 'redis' ? new RedisTopic(server, name, id) : new PostgresTopic(server, name, id)
    this.#publisher = new Publisher(this.#store)
  }

  /**
   * Publishes a copy of the message; waits until the server has it, which does not mean that anybody has received it. The copy is
   * made at the call. Keeps the process alive until then. After a broken connection it is sent again, and published once.
   *
   * @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE`: no answer; it may be published, or not
   * @throws (rejects) NotCloneableError `ERR_NOT_CLONEABLE`: the message holds what cannot be copied; nothing was published
   */
  async publish(message: T): Promise<void> {
    const bytes = toBytes(message)
    await this.#publisher.publish(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'))
  }

  /**
   * A new subscription, which gets what is published after this has resolved. Waits for the server's answer.
   *
   * @param options.capacity - the most messages that are kept for it until they are received; default: 1,024
   * @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE`: no answer
   * @throws (rejects) the reason of `options.signal` as given, when it aborts; nothing is left then
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options
   */
  async subscribe(options?: ClusterSubscribeOptions): Promise<ClusterSubscription<T>> {
    const { capacity = 1_024, signal: given } = objectOf('options', options)
    wholeNumber('capacity', capacity, 1)
    const signal = signalOf(given)
    if (signal?.aborted) throw signal.reason
    const subscription = new ClusterSubscription<T>(this.#store, capacity)
    const waiter = new Waiter<ClusterSubscription<T>>(
      { timeout: undefined, signal },
      () => subscription.close(),
      () => new Error('it has no time limit'),
    )
    subscription.open(this.#server.notices).then(
      () => waiter.resolve(subscription),
      (error: unknown) => {
        subscription.close()
        waiter.reject(error)
      },
    )
    return waiter.promise
  }
}
