const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const
const THOUSAND = 1000

/** `547 MB`, with three significant digits. */
export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= THOUSAND && unit < UNITS.length - 1) {
    value /= THOUSAND
    unit += 1
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : Number(value.toPrecision(3))} ${UNITS[unit] ?? ''}`
}

/** `1 204 331`: groups of three with a thin, unbreakable look that copies as plain spaces. */
export function countText(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ' ')
}

/** `4 s`, `56 m`, `2 h`, `3 d`: one unit, cut. */
export function durationText(ms: number): string {
  const seconds = Math.abs(ms) / THOUSAND
  const sign = ms < 0 ? '-' : ''
  if (seconds < 1) return `${sign}${Math.round(Math.abs(ms))} ms`
  if (seconds < 120) return `${sign}${Math.floor(seconds)} s`
  if (seconds < 7200) return `${sign}${Math.floor(seconds / 60)} m`
  if (seconds < 172_800) return `${sign}${Math.floor(seconds / 3600)} h`
  return `${sign}${Math.floor(seconds / 86_400)} d`
}

/** `0.7 s`, `1.9 s`, `34 ms`: how long something took. */
export function secondsText(ms: number): string {
  return ms < 100 ? `${Math.round(ms)} ms` : `${(ms / THOUSAND).toFixed(1)} s`
}

/** A time of ours, which all are UTC, to the second: `2013-01-01 10:17:00Z`. */
export function timeText(time: string): string {
  return time.replace('T', ' ').replace(/(?:\.\d+)?(?:Z|\+00)?$/, 'Z')
}

/** One bar a value, as high as the value is against the largest. */
export function sparkline(values: readonly number[]): string {
  const bars = '▁▂▃▄▅▆▇█'
  const most = Math.max(...values, 1)
  return values
    .map((value) => bars[Math.min(bars.length - 1, Math.ceil((value / most) * (bars.length - 1)))] ?? '')
    .join('')
}
