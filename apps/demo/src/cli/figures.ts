const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const oneDecimal = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 })
const twoDecimals = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 })

/** 1234567 as `1,234,567`. */
export function wholes(number: number): string {
  return grouped.format(number)
}

/** Bytes in millions, with three digits at least. */
export function megabytes(bytes: number): string {
  const millions = bytes / 1e6
  return (millions < 10 ? twoDecimals : millions < 100 ? oneDecimal : grouped).format(millions)
}

/** Milliseconds as seconds with two decimals. */
export function seconds(ms: number): string {
  return (ms / 1_000).toFixed(2)
}

/** Milliseconds as `m:ss`. */
export function clock(ms: number): string {
  const whole = Math.floor(ms / 1_000)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}

/** `1 file`, `2 files`. */
export function counted(number: number, one: string, many = `${one}s`): string {
  return `${wholes(number)} ${number === 1 ? one : many}`
}
