/** An entry as it is stored. */
export interface StoredEntry {
  /** As `encodeEntry` made it. */
  readonly bytes: Uint8Array
  readonly version: bigint
  /** Milliseconds; undefined: it does not end. */
  readonly expiresIn: number | undefined
}

/** When a change is made only. */
export interface Conditions {
  /** The version that the entry must have; undefined: whatever is there. */
  readonly ifVersion: bigint | 'absent' | undefined
  /** Not lower than each one that was seen for the key; undefined: whatever was seen. */
  readonly fence: bigint | undefined
}

/** When a written entry ends: after so many milliseconds, never, or when it does now. */
export type Ending = number | 'never' | 'as it is'

export interface Page {
  readonly entries: readonly (readonly [key: string, entry: StoredEntry])[]
  /** The last key that was looked at; undefined: there are no more. */
  readonly next: string | undefined
}

/** What the server keeps of one dict. Each method is one step there. Keys are checked already. */
export interface DictStore {
  /** Of the notices: see `noticeOf`. */
  readonly channel: string
  read(key: string): Promise<StoredEntry | undefined>
  has(key: string): Promise<boolean>
  /** Resolves with the new version; undefined: a condition did not fit, and nothing has changed. */
  write(key: string, bytes: Uint8Array, ending: Ending, conditions: Conditions): Promise<bigint | undefined>
  /** Resolves with whether there was an entry and the conditions did fit. */
  remove(key: string, conditions: Conditions): Promise<boolean>
  add(key: string, amount: number, ending: Ending): Promise<number | 'no number' | 'out of range'>
  count(): Promise<number>
  /** What comes behind a key, or from the first on, in the order of the keys' bytes. */
  page(after: string | undefined, withValues: boolean): Promise<Page>
  clear(): Promise<void>
}

/** How many keys a page has at most. */
export const pageKeys = 100
/** A page ends behind the entry with which its values reach so many bytes. */
export const pageBytes = 1 << 20
/** How many expired entries a write takes along at most. */
export const swept = 16
