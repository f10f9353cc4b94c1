/** A change as it is told: what, version, and the key in base64, which every server takes as it is. */
export interface DictNotice {
  readonly type: 'set' | 'delete' | 'clear'
  readonly version: bigint
  readonly key: string
}

const types = { s: 'set', d: 'delete', c: 'clear' } as const

/** What stands for the key. */
export const nameInNotice = (key: string): string => Buffer.from(key, 'utf8').toString('base64')

/** Undefined: it is none. */
export function noticeOf(message: string): DictNotice | undefined {
  const parts = /^([sdc])(\d+) ([\w+/=]*)$/.exec(message)
  if (!parts) return undefined
  const [, what, version, name] = parts as unknown as [string, keyof typeof types, string, string]
  return { type: types[what], version: BigInt(version), key: Buffer.from(name, 'base64').toString('utf8') }
}
