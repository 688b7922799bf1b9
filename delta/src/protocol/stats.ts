// PROTOCOL.md, "Per-file Statistics". Bounds decide which files a reader skips, so a number that a JavaScript number cannot
// hold must not be rounded: integers beyond 2^53 are bigint, other such numbers keep their digits in an ExactNumber.

const exact = Symbol('exact number')

/** A JSON number by its digits, for decimals that a JavaScript number would round. */
export interface ExactNumber {
  readonly [exact]: string
}

export type JsonValue = null | boolean | number | bigint | string | ExactNumber | readonly JsonValue[] | JsonObject

export interface JsonObject {
  readonly [key: string]: JsonValue
}

/** Statistics of one data file; the three objects are nested like the schema. */
export interface FileStats {
  /** Physical rows, deleted ones too. */
  readonly numRecords?: number
  /** False when rows were deleted since: then min and max only bound. Absent means true. */
  readonly tightBounds?: boolean
  readonly minValues?: JsonObject
  readonly maxValues?: JsonObject
  readonly nullCount?: JsonObject
}

/** The statistics of an add; undefined where there are none or the text is torn, since a reader goes on without them. */
export function parseStats(text: string | undefined): FileStats | undefined {
  if (text === undefined) return undefined
  let value: JsonValue
  try {
    value = parseExactJson(text)
  } catch {
    return undefined
  }
  if (!isJsonObject(value)) return undefined
  const numRecords = ownField(value, 'numRecords')
  const tightBounds = ownField(value, 'tightBounds')
  return {
    ...(typeof numRecords === 'number' && Number.isSafeInteger(numRecords) && numRecords >= 0 ? { numRecords } : {}),
    ...(typeof tightBounds === 'boolean' ? { tightBounds } : {}),
    ...parseObjects(value),
  }
}

/** The text for `add.stats`. */
export function encodeStats(stats: FileStats): string {
  const { numRecords, tightBounds, minValues, maxValues, nullCount } = stats
  const fields = Object.entries({ numRecords, tightBounds, minValues, maxValues, nullCount })
  const present = fields.flatMap(([name, value]) =>
    value === undefined ? [] : [`${JSON.stringify(name)}:${encodeJson(value)}`],
  )
  return `{${present.join(',')}}`
}

/** A JSON number with these digits: for decimals. */
export function exactNumber(digits: string): ExactNumber {
  return { [exact]: digits }
}

/** The digits of an ExactNumber, undefined for any other value. */
export function exactDigits(value: JsonValue | undefined): string | undefined {
  return isExact(value) ? value[exact] : undefined
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isExact(value)
}

function isExact(value: unknown): value is ExactNumber {
  return typeof value === 'object' && value !== null && exact in value
}

const TEXT_UNITS_MAX = 32

/** The lower bound to write for a text: its first 32 units, one more rather than half a surrogate pair. */
export function truncateMin(text: string): string {
  return text.length <= TEXT_UNITS_MAX ? text : text.slice(0, prefixLength(text, TEXT_UNITS_MAX))
}

/** The upper bound to write for a text; undefined when there is none short enough. A plain cut would be too small and lose rows. */
export function truncateMax(text: string): string | undefined {
  if (text.length <= TEXT_UNITS_MAX) return text
  for (
    let length = prefixLength(text, TEXT_UNITS_MAX);
    length < text.length && length <= 2 * TEXT_UNITS_MAX;
    length += 2
  ) {
    const next = text.codePointAt(length) ?? 0
    // U+10FFFF cannot be topped, so it has to become part of the prefix.
    if (next !== 0x10ffff) return text.slice(0, length) + (next < 0x7f ? '\u007f' : '\u{10ffff}')
  }
  return undefined
}

function prefixLength(text: string, units: number): number {
  const last = text.charCodeAt(units - 1)
  const isPairCut = last >= 0xd800 && last <= 0xdbff && text.codePointAt(units - 1) !== last
  return isPairCut ? units + 1 : units
}

function parseObjects(value: JsonObject): Pick<FileStats, 'minValues' | 'maxValues' | 'nullCount'> {
  const names = ['minValues', 'maxValues', 'nullCount'] as const
  return Object.fromEntries(
    names.flatMap((name) => {
      const found = ownField(value, name)
      return isJsonObject(found) ? [[name, found]] : []
    }),
  )
}

function ownField(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

type ParseWithSource = (
  text: string,
  reviver: (key: string, value: JsonValue, context: { readonly source?: string }) => JsonValue,
) => JsonValue

function parseExactJson(text: string): JsonValue {
  // A reviver makes parsing several times slower, and numbers of sixteen digits are rare.
  if (!/\d[\d.]{15}/.test(text)) return JSON.parse(text) as JsonValue
  // TypeScript's library does not know the third argument of a reviver yet.
  const parse = JSON.parse as ParseWithSource
  return parse(text, (_, value, context) =>
    typeof value === 'number' && context.source !== undefined ? parseNumber(value, context.source) : value,
  )
}

function parseNumber(value: number, source: string): JsonValue {
  const digits = source
    .replace(/[eE].*$/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+/, '')
  if (digits.length <= 15 || String(value) === source) return value
  return /^-?\d+$/.test(source) ? BigInt(source) : exactNumber(source)
}

function encodeJson(value: JsonValue): string {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (isExact(value)) return value[exact]
  if (Array.isArray(value)) return `[${value.map(encodeJson).join(',')}]`
  return `{${Object.entries(value)
    .map(([key, inner]) => `${JSON.stringify(key)}:${encodeJson(inner)}`)
    .join(',')}}`
}
