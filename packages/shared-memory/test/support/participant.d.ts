export declare class ParticipantProcess {
  get pid(): number
  do<Result = unknown>(command: string, rest?: object): Promise<Result>
  kill(signal?: NodeJS.Signals): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
