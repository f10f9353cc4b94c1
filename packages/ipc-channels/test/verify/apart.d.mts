export declare function apart<Result>(
  file: string,
  name: string,
  options: unknown,
): Promise<Result & { readonly wrong: readonly unknown[] }>
