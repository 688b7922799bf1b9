/** How likely a χ² variable with so many degrees of freedom is at least `x`. */
export function chiSquareTail(x: number, freedom: number): number {
  if (x <= 0 || freedom <= 0) return 1
  const [a, half] = [freedom / 2, x / 2]
  // The series converges below the mean, the continued fraction above it. Both are bounded.
  return half < a + 1 ? 1 - lowerSeries(a, half) : upperFraction(a, half)
}

const STEPS_MAX = 500
const SMALL = 1e-15
const TINY = 1e-300

function lowerSeries(a: number, x: number): number {
  let term = 1 / a
  let sum = term
  for (let n = 1; n <= STEPS_MAX && Math.abs(term) > Math.abs(sum) * SMALL; n++) {
    term *= x / (a + n)
    sum += term
  }
  return sum * Math.exp(-x + a * Math.log(x) - logGamma(a))
}

function upperFraction(a: number, x: number): number {
  let b = x + 1 - a
  let c = 1 / TINY
  let d = 1 / b
  let h = d
  for (let n = 1; n <= STEPS_MAX; n++) {
    const an = -n * (n - a)
    b += 2
    d = 1 / nonZero(an * d + b)
    c = nonZero(b + an / c)
    const step = d * c
    h *= step
    if (Math.abs(step - 1) < SMALL) break
  }
  return h * Math.exp(-x + a * Math.log(x) - logGamma(a))
}

function nonZero(value: number): number {
  return Math.abs(value) < TINY ? TINY : value
}

/** The logarithm of the gamma function for positive numbers, by Stirling's series above 10. */
function logGamma(x: number): number {
  let shift = 0
  let z = x
  for (; z < 10; z++) shift -= Math.log(z)
  const inverse = 1 / (z * z)
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / z
  return shift + (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series
}

/** Benjamini and Hochberg: each p-value as the share of false alarms that one would have to accept to call it one. */
export function adjustForMany(values: readonly number[]): readonly number[] {
  const order = values.map((value, index) => ({ value, index })).toSorted((a, b) => b.value - a.value)
  const adjusted = new Array<number>(values.length).fill(1)
  let least = 1
  for (const [rank, { value, index }] of order.entries()) {
    least = Math.min(least, (value * values.length) / (values.length - rank))
    adjusted[index] = least
  }
  return adjusted
}
