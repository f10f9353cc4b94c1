export declare function mutate(options: {
  count: number
  seed: number
  processes?: number
}): Promise<{ wrong: unknown[]; outcomes: Record<string, number> }>
