// The rules of `dms/infer-types.ts`, over a sample: `init` does not read whole files, and a person reads what it proposes.
const LONG_DIGITS = 18
const DECIMAL_DIGITS_MIN = 18

/** The narrowest type that gives every value of a sample back as the same text; string when none does. */
export function guessType(values: readonly (string | null)[]): string {
  const present = values.filter((value) => value !== null)
  if (present.length === 0) return 'string'
  // A leading zero or plus would be lost: such a column holds codes, not numbers.
  if (present.every((value) => /^(?:0|-?[1-9]\d*)$/.test(value) && value.length <= LONG_DIGITS)) return 'long'
  const decimal = decimalOf(present)
  if (decimal !== undefined) return decimal
  if (present.every((value) => /^\d{4}-\d\d-\d\d$/.test(value))) return 'date'
  if (present.every((value) => isTimestamp(value) && value.length === present[0]?.length)) return 'timestamp'
  return present.every((value) => value === 'true' || value === 'false') ? 'boolean' : 'string'
}

/** The text form in which DMS writes a point in time. */
export function isTimestamp(text: string): boolean {
  return /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?$/.test(text)
}

/** One scale in all values, as the source's column has. */
function decimalOf(values: readonly string[]): string | undefined {
  if (!values.every((value) => /^-?(?:0|[1-9]\d*)\.\d+$/.test(value))) return undefined
  const scales = new Set(values.map((value) => value.length - value.indexOf('.') - 1))
  const [scale] = scales
  const digits = values.reduce((most, value) => Math.max(most, value.replace(/[-.]/g, '').length), DECIMAL_DIGITS_MIN)
  return scales.size === 1 && scale !== undefined && digits <= 38 ? `decimal(${digits},${scale})` : undefined
}
