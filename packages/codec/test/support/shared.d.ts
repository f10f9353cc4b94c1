export declare class Box {
  constructor(buffer?: SharedArrayBuffer)
  static fromHandle(handle: unknown): Box
  toHandle(): { readonly kind: string; readonly version: number; readonly words: SharedArrayBuffer }
  get value(): number
  increment(): number
}

export declare class Token {
  constructor(id: string)
  static fromHandle(handle: unknown): Token
  toHandle(): { readonly kind: string; readonly version: number; readonly id: string }
  get id(): string
}
