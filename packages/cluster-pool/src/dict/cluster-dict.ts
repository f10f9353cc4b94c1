import { TimeoutError } from '@heddle/pool-core'
import { describe, invalidArgument, outOfRange } from '@heddle/pool-core/building-blocks'
import type { Cluster } from '../connection/cluster.js'
import { nameOf } from '../connection/cluster-options.js'
import { serverOf } from '../connection/cluster-server.js'
import type { Notices } from '../connection/server.js'
import {
  type AddOptions,
  amountOf,
  conditionsOf,
  type DeleteOptions,
  endingOf,
  keyOf,
  type SetOptions,
  type UpdateOptions,
} from './dict-options.js'
import type { DictStore, StoredEntry } from './dict-store.js'
import { attempts } from './dict-update.js'
import { decodeEntry, encodeEntry } from './dict-value.js'
import { DictWatch, type WatchOptions } from './dict-watch.js'
import { PostgresDictStore } from './postgres-dict-store.js'
import { RedisDictStore } from './redis-dict-store.js'

export interface ClusterDictEntry<Value> {
  readonly value: Value
  /** Of the change that made it: each change of a dict has a higher one than all before, and none is given twice. */
  readonly version: bigint
  /** Milliseconds until it ends, by the server's clock; missing: it does not end. */
  readonly expiresIn?: number
}

/**
 * A Map of strings to values that programs on all machines of a cluster share, by its name. A value is what a structured clone
 * takes, and each `get` makes a new one: to change a value in the dict, set it again, or {@link ClusterDict.update} it.
 *
 * Each method is one step on the server, and waits for its answer; nothing blocks the thread. Each can fail with ClusterError
 * `ERR_SERVER_UNAVAILABLE` when the server has not answered for the cluster's `serverTimeout`. What may be done twice is sent again
 * when the connection breaks: reads, `clear`, and a `set` without conditions. All else then fails with that error at once,
 * and may have happened or not.
 *
 * An entry with a `ttl` is gone at once when its time is over by the server's clock, which no change tells; its room is
 * given back by later writes.
 *
 * Keys are strings of 1 to 1,000 characters, and none of them may have half a surrogate pair. A value takes 64 MiB at most.
 *
 * Invariant: each change gets a higher version than all before in this dict, also behind deletions, ends and `clear`.
 */
export class ClusterDict<Value = unknown> {
  readonly #notices: Notices
  readonly #store: DictStore

  /**
   * Does not wait, and does not ask the server.
   *
   * @param name - 1 to 200 characters
   * @throws TypeError `ERR_INVALID_ARG`: bad arguments
   */
  constructor(cluster: Cluster, name: string) {
    const server = serverOf(cluster)
    nameOf(name)
    this.#notices = server.notices
    this.#store = server.engine === 'redis' ? new RedisDictStore(server, name) : new PostgresDictStore(server, name)
  }

  /**
   * The value of `key`; undefined: there is none, or it is undefined.
   *
   * @throws (rejects) TypeError `ERR_INVALID_ARG`: a bad key; `ERR_BAD_HANDLE`: the value holds a shared object of another machine
   */
  async get(key: string): Promise<Value | undefined> {
    const entry = await this.#store.read(keyOf(key))
    return entry && (decodeEntry(entry.bytes) as Value)
  }

  /** The value of `key` with its version and its end; undefined: there is none. @throws (rejects) as {@link ClusterDict.get} */
  async getEntry(key: string): Promise<ClusterDictEntry<Value> | undefined> {
    const entry = await this.#store.read(keyOf(key))
    return entry && entryOf<Value>(entry)
  }

  /** Whether there is an entry of `key`. @throws (rejects) TypeError `ERR_INVALID_ARG`: a bad key */
  async has(key: string): Promise<boolean> {
    return await this.#store.has(keyOf(key))
  }

  /**
   * Makes `value` the value of `key`, which ends with its `ttl` or not at all, whatever there was before.
   *
   * With a `fence`, the token of the guard under which it is done, it is refused when the dict has seen a higher one for this key:
   * its holder was stopped, and another one holds the lock since. The dict remembers the highest fence of a key for ever, also
   * when the entry goes and behind `clear`. Writes without a fence are not refused.
   *
   * @returns the version; undefined: `ifVersion` or `fence` did not fit, and nothing has changed
   * @throws (rejects) NotCloneableError `ERR_NOT_CLONEABLE`: the value holds what cannot leave the process; nothing has changed
   * @throws (rejects) RangeError `ERR_OUT_OF_RANGE`: more than 64 MiB, or bad options; nothing has changed
   * @throws (rejects) TypeError `ERR_INVALID_ARG`: a bad key, or bad options; nothing has changed
   */
  async set(key: string, value: Value, options?: SetOptions): Promise<bigint | undefined> {
    const ending = endingOf(options, 'never')
    const conditions = conditionsOf(options)
    return await this.#store.write(keyOf(key), encodeEntry(value), ending, conditions)
  }

  /**
   * Deletes the entry of `key`. `fence` as {@link ClusterDict.set}.
   *
   * @returns whether there was one that was deleted: false also when `ifVersion` or `fence` did not fit
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad arguments; nothing has changed
   */
  async delete(key: string, options?: DeleteOptions): Promise<boolean> {
    return await this.#store.remove(keyOf(key), conditionsOf(options))
  }

  /**
   * Makes what `fn` returns the value of `key`. `fn` gets the value that is there, or undefined. When another one has written the
   * entry in the meantime, nothing is written, and `fn` is called again after a short while with the new value: it should do
   * nothing but compute. An entry with an end keeps that, unless there is a `ttl`.
   *
   * Fairness: none; one of those who try at a time gets through.
   *
   * @returns what `fn` has returned, and was written
   * @throws (rejects) what `fn` throws; the entry is unchanged
   * @throws (rejects) TimeoutError `ERR_TIMEOUT`: others have written for as long as the timeout, or `fn` has taken so long; the
   * entry is unchanged. What is on its way to the server by then is waited for
   * @throws (rejects) the reason of `options.signal` as given, when it aborts; as with the timeout
   * @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE`: no answer; it may have been written, or not
   * @throws (rejects) NotCloneableError, RangeError, TypeError: as {@link ClusterDict.set}
   */
  async update(
    key: string,
    fn: (value: Value | undefined) => Value | PromiseLike<Value>,
    options?: UpdateOptions,
  ): Promise<Value> {
    keyOf(key)
    if (typeof fn !== 'function') throw invalidArgument(`fn must be a function, not ${describe(fn)}`)
    const ending = endingOf(options, 'as it is')
    const written = await attempts(options, async (limit) => {
      const entry = await limit(this.#store.read(key))
      const value = await limit(fn(entry && (decodeEntry(entry.bytes) as Value)))
      const bytes = encodeEntry(value)
      const ifVersion = entry ? entry.version : 'absent'
      const version = await this.#store.write(key, bytes, ending, { ifVersion, fence: undefined })
      return version === undefined ? undefined : { value }
    })
    if (!written) throw new TimeoutError(`others have written the entry for ${options?.timeout} ms`)
    return written.value
  }

  /**
   * Adds to the number that is the value of `key`; a missing one counts as 0. An entry with an end keeps that, unless there is a
   * `ttl`.
   *
   * @param amount - a safe integer, which may be negative
   * @returns the sum
   * @throws (rejects) TypeError `ERR_INVALID_ARG`: the value is not a safe integer; or bad arguments; nothing has changed
   * @throws (rejects) RangeError `ERR_OUT_OF_RANGE`: the sum would be no safe integer; or bad arguments; nothing has changed
   */
  async add(key: string, amount: number | bigint, options?: AddOptions): Promise<number> {
    const sum = await this.#store.add(keyOf(key), amountOf(amount), endingOf(options, 'as it is'))
    if (sum === 'no number') throw invalidArgument('the value is not a whole number: nothing can be added to it')
    if (sum === 'out of range') throw outOfRange(`adding ${amount} would leave the range of safe integers`)
    return sum
  }

  /** How many entries there are. */
  async size(): Promise<number> {
    return await this.#store.count()
  }

  /**
   * The keys, in the order of their bytes in UTF-8. They are fetched in pages while they are taken, so this is no snapshot: each
   * key that is there all the time comes once, one that comes or goes meanwhile comes once or not at all.
   */
  async *keys(): AsyncGenerator<string, undefined, undefined> {
    for await (const [key] of this.#pages(false)) yield key
  }

  /** Keys and values, as {@link ClusterDict.keys}: each value is that of the time at which its page was fetched. */
  async *entries(): AsyncGenerator<[key: string, value: Value], undefined, undefined> {
    for await (const [key, entry] of this.#pages(true)) yield [key, decodeEntry(entry.bytes) as Value]
  }

  /** The same as {@link ClusterDict.entries}. */
  [Symbol.asyncIterator](): AsyncGenerator<[key: string, value: Value], undefined, undefined> {
    return this.entries()
  }

  /** Deletes all entries, in one step. Versions and fences go on. */
  async clear(): Promise<void> {
    await this.#store.clear()
  }

  /**
   * Resolves when the server has it: from then on each change comes, in order, and possibly one from shortly before. Those of entries that end by their `ttl` do not. Where
   * changes may have been missed, because the connection was lost or more than 10,000 have not been taken, there is one of type
   * `gap`.
   *
   * @throws (rejects) the reason of `options.signal` as given; also what waits for a change, when it aborts later
   * @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE`: the server cannot be reached; later: the cluster was closed
   * @throws (rejects) TypeError `ERR_INVALID_ARG`: bad options
   */
  async watch(options?: WatchOptions): Promise<DictWatch> {
    return await DictWatch.open(this.#notices, this.#store.channel, options)
  }

  async *#pages(withValues: boolean): AsyncGenerator<readonly [string, StoredEntry]> {
    let last: string | undefined
    do {
      const { entries, next } = await this.#store.page(last, withValues)
      yield* entries
      last = next
    } while (last !== undefined)
  }
}

function entryOf<Value>({ bytes, version, expiresIn }: StoredEntry): ClusterDictEntry<Value> {
  const value = decodeEntry(bytes) as Value
  return expiresIn === undefined ? { value, version } : { value, version, expiresIn }
}
