export interface FaultFunctions {
  hostileResult(how: 'throws' | 'exits'): unknown
  throwInTimer(): Promise<never>
  rejectUnheard(): Promise<never>
  leaveRejection(dir: string): number
  fillMemory(): never
  flood(bytes: number): Promise<string>
  say(text: string): Promise<void>
  block(dir: string, label: string): string
  postToParent(message: unknown): string
  setUp(dir: string, word: string): void
  setUpBadly(dir: string): Promise<never>
  setUpForEver(): Promise<never>
  word(): string | undefined
  variable(name: string): string | undefined
  byteLength(value: ArrayBuffer | Uint8Array): number
}

export declare const faultFunctions: FaultFunctions
