export declare function killStorm(options: {
  rounds: number
  seed: number
}): Promise<{ wrong: string[]; counts: Record<string, number>; outages: number[] }>
