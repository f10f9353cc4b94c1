export declare function terminateStorm(options: {
  rounds: number
  seed: number
  threads?: number
}): Promise<{ wrong: string[] }>
