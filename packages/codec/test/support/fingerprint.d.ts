export interface FingerprintOptions {
  readonly views?: 'together' | 'apart'
}

export declare function fingerprint(value: unknown, options?: FingerprintOptions): string
