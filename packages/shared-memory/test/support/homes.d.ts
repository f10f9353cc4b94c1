import type { Memory } from '@heddle/sync-primitives'

/** Where the elements may be. A segment goes with the process of the test. */
export declare const homes: readonly { readonly home: string; readonly memory: () => Memory | undefined }[]
