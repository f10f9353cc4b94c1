/** A number between the two, by chance. */
export function between(least: number, most: number): number {
  return least + Math.random() * (most - least)
}
