export interface ContextFunctions {
  context(): { id: string | undefined; attempt: number; aborted: boolean }
  readonly succeedAt: (attempt: number) => number
  tell(count: number): string
  tellAround(value: string): Promise<string>
  tellAndBlock(dir: string): string
  tellUncloneable(): { code: string; path: string } | undefined
  tellLater(dir: string): void
  pollAbort(dir: string): void
  endOnAbort(dir: string): Promise<void>
  ignoreAbort(): Promise<never>
  notListen(): Promise<never>
  countTo(upTo: number): AsyncGenerator<number, void>
  countAtOnce(upTo: number): Generator<number, void>
  list(...items: string[]): readonly string[]
  listLater(...items: string[]): Promise<ReadonlySet<string>>
  countOpenly(dir: string, upTo: number): AsyncGenerator<number, void>
  countAndFail(upTo: number): AsyncGenerator<number, void>
  countAndExit(upTo: number): AsyncGenerator<number, void>
  giveUncloneable(dir: string): AsyncGenerator<unknown, void>
  stall(): AsyncGenerator<string, void>
  giveBuffer(length: number): { readonly bytes: Uint8Array }
  leftOfBuffer(): number
  giveBadTransfer(): object
}

export declare const contextFunctions: ContextFunctions
