/** The middle of the values; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] as number
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2
}

/** The lowest and the highest of the values. */
export function rangeOf(values: readonly number[]): [number, number] {
  return [Math.min(...values), Math.max(...values)]
}

/** Rounded to `digits` significant digits: more would claim a precision that a shared machine does not have. */
export function round(value: number, digits = 4): number {
  return Number(value.toPrecision(digits))
}
