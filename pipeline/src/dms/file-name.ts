// dms-format.md §1. Keys are read from the right: the file's name says what it is, then date or segment folders, then
// the table and its schema. Which of two readings holds is decided by the configured tables.

/** What a landing object is, by its key alone. */
export type LandingKey =
  | {
      readonly kind: 'load'
      readonly schema: string
      readonly table: string
      /** The partition or range of a parallel load. */
      readonly segment?: string
      readonly ordinal: number
    }
  | {
      readonly kind: 'cdc'
      readonly schema: string
      readonly table: string
      /** `yyyyMMddHHmmss` and nine digits of fraction: text order is time order. */
      readonly time: string
      /** File name without its suffix. */
      readonly name: string
    }
  | { readonly kind: 'transactions'; readonly time: string }
  | { readonly kind: 'control'; readonly table: string }
  | { readonly kind: 'validation' }
  | { readonly kind: 'ignored'; readonly why: string }
  /** A name that could do harm. */
  | { readonly kind: 'refused'; readonly why: string }

export interface LandingKeyOptions {
  readonly bucketFolder?: string | undefined
  readonly cdcPath?: string | undefined
  /** Configured tables, `schema.table`. */
  readonly tables: readonly string[]
}

const SUFFIX = String.raw`\.(?:csv|parquet)(?:\.gz)?`
const LOAD = new RegExp(`^(?:(SEGMENT[0-9]+)_)?LOAD([0-9A-Fa-f]{8})${SUFFIX}$`)
const CDC = new RegExp(`^(([0-9]{8})-([0-9]{6})([0-9]{1,9}))${SUFFIX}$`)
const TRANSACTIONS = /^CDC_TXN-([0-9]{14})([0-9]{1,9})\.csv(?:\.gz)?$/
const FRACTION_DIGITS = 9

/** Says what a landing object is. A name that could do harm is ignored, with the reason. */
export function parseLandingKey(key: string, options: LandingKeyOptions): LandingKey {
  if (key === '' || key.endsWith('/')) return { kind: 'ignored', why: 'a folder, not a file' }
  const decoded = key.split('/').map(decodePart)
  const hostile = decoded.map(whyHostile).find((why) => why !== undefined)
  if (hostile !== undefined) return { kind: 'refused', why: hostile }
  const folders = withoutFolder(key.split('/').slice(0, -1), options.bucketFolder)
  const file = decoded.at(-1) ?? ''
  if (folders.includes('s3_validation_failures')) return { kind: 'validation' }
  const control = folders.find((part) => /^(?:awsdms|attrep)_/i.test(part))
  if (control !== undefined) return { kind: 'control', table: control }
  return (
    parseTransactions(file) ??
    parseLoad(file, folders, options) ??
    parseCdc(file, folders, options) ?? { kind: 'ignored', why: 'not a name that DMS gives' }
  )
}

/**
 * The file's place among its table's files: bytewise order is (load before CDC, file time, file name). Follows from the
 * key alone, so a stored row's place can be compared for ever.
 */
export function placeOf(key: string): string {
  const name = key.slice(key.lastIndexOf('/') + 1)
  // Compared by JavaScript and by DuckDB, which agree on ASCII only.
  const tail = encodeURIComponent(key)
  const load = LOAD.exec(name)
  if (load !== null) return `0 ${(load[2] ?? '').toUpperCase()} ${tail}`
  const cdc = CDC.exec(name)
  if (cdc !== null) return `1 ${timeOf(`${cdc[2]}${cdc[3]}`, cdc[4] ?? '')} ${encodeURIComponent(name)} ${tail}`
  const transactions = TRANSACTIONS.exec(name)
  if (transactions !== null)
    return `1 ${timeOf(transactions[1] ?? '', transactions[2] ?? '')} ${encodeURIComponent(name)} ${tail}`
  return `1 ${encodeURIComponent(name)} ${tail}`
}

/** The place at which a CDC file stands that was written so long before another; undefined where the other's name has no time. */
export function placeBefore(place: string, ms: number): string | undefined {
  const [, year, month, day, hour, minute, second, fraction] =
    /^1 ([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{9}) /.exec(place) ?? []
  if (year === undefined) return undefined
  const timeMs = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second))
  const before = new Date(timeMs - ms)
  if (Number.isNaN(before.getTime()) || before.getUTCFullYear() < 0) return undefined
  return `1 ${before
    .toISOString()
    .slice(0, 19)
    .replaceAll(/[^0-9]/g, '')}${fraction}`
}

/** The place before which all CDC files stand that were written before a time, and no others. */
export function placeAt(timeMs: number): string {
  const digits = new Date(timeMs).toISOString().replaceAll(/[^0-9]/g, '')
  return `1 ${timeOf(digits.slice(0, 14), digits.slice(14))}`
}

/** The time in the name of the CDC file at a place, in microseconds; undefined for a load file, and where the name has none. */
export function timeOfPlace(place: string): number | undefined {
  const [, year, month, day, hour, minute, second, micros] =
    /^1 ([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{6})/.exec(place) ?? []
  if (year === undefined) return undefined
  const ms = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second))
  return ms * 1000 + Number(micros)
}

/** 0 for a load file's place, 1 for a CDC file's. */
export function phaseOf(place: string): 0 | 1 {
  return place.startsWith('0') ? 0 : 1
}

function timeOf(seconds: string, fraction: string): string {
  return seconds + fraction.padEnd(FRACTION_DIGITS, '0')
}

function parseTransactions(file: string): LandingKey | undefined {
  const match = TRANSACTIONS.exec(file)
  return match === null ? undefined : { kind: 'transactions', time: timeOf(match[1] ?? '', match[2] ?? '') }
}

function parseLoad(file: string, folders: readonly string[], options: LandingKeyOptions): LandingKey | undefined {
  const match = LOAD.exec(file)
  if (match === null) return undefined
  const found = findTable(folders, options, (rest) => rest.length <= 1)
  if ('why' in found) return { kind: 'ignored', why: found.why }
  const segment = found.rest[0] ?? match[1]
  return {
    kind: 'load',
    schema: found.schema,
    table: found.table,
    ...(segment === undefined ? {} : { segment }),
    ordinal: Number.parseInt(match[2] ?? '', 16),
  }
}

function parseCdc(file: string, folders: readonly string[], options: LandingKeyOptions): LandingKey | undefined {
  const match = CDC.exec(file)
  if (match === null) return undefined
  const found = findTable(folders, options, isDate)
  if ('why' in found) return { kind: 'ignored', why: found.why }
  const time = timeOf(`${match[2]}${match[3]}`, match[4] ?? '')
  return { kind: 'cdc', schema: found.schema, table: found.table, time, name: match[1] ?? '' }
}

/** Date folders: one level a part (SLASH), or one folder with dashes, underscores or nothing between the parts. */
function isDate(rest: readonly string[]): boolean {
  if (rest.length === 0) return true
  if (rest.length === 1)
    return /^[0-9]{2,4}(?:[-_]?[0-9]{2,4}){1,3}$/.test(rest[0] ?? '') && digits(rest) >= 6 && digits(rest) <= 10
  return (
    rest.length <= 4 &&
    rest.every((part) => /^(?:[0-9]{2}|[0-9]{4})$/.test(part)) &&
    digits(rest) >= 6 &&
    digits(rest) <= 10
  )
}

function digits(parts: readonly string[]): number {
  return parts.join('').replaceAll(/[^0-9]/g, '').length
}

type Found =
  | { readonly schema: string; readonly table: string; readonly rest: readonly string[] }
  | { readonly why: string }

const REST_MAX = 4

function findTable(
  folders: readonly string[],
  { tables, bucketFolder }: LandingKeyOptions,
  isRest: (rest: readonly string[]) => boolean,
): Found {
  for (let rest = 0; rest <= REST_MAX && rest + 2 <= folders.length; rest += 1) {
    const end = folders.length - rest
    if (!isRest(folders.slice(end))) continue
    // With a bucket folder the schema is the first folder below it; without, the key may lie below an unknown prefix.
    if (bucketFolder !== undefined && end !== 2) continue
    for (const [schema, table] of spellings(folders[end - 2] ?? '', folders[end - 1] ?? '')) {
      if (tables.includes(`${schema}.${table}`)) return { schema, table, rest: folders.slice(end).map(decodePart) }
    }
  }
  const [schema, table] = folders.map(decodePart)
  if (schema === undefined || table === undefined) return { why: 'no <schema>/<table>/ folders above the file' }
  if (schema.includes('.')) return { why: `the schema ${schema} has a dot in its name` }
  const rest = folders.slice(2)
  return isRest(rest)
    ? { schema, table, rest: rest.map(decodePart) }
    : { why: 'the folders are not <schema>/<table>/ with a date or a segment below' }
}

/** A folder's name as it stands and, where it is percent-encoded, what it stands for. */
function spellings(schema: string, table: string): readonly (readonly [string, string])[] {
  const form = (text: string): string => decodePart(text.replaceAll('+', ' '))
  return [
    [schema, table],
    [decodePart(schema), decodePart(table)],
    [form(schema), form(table)],
  ]
}

function withoutFolder(folders: readonly string[], bucketFolder: string | undefined): readonly string[] {
  const parts = (bucketFolder ?? '').split('/').filter((part) => part !== '')
  return parts.every((part, at) => folders[at] === part) ? folders.slice(parts.length) : folders
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    // A name with a lone % is no encoding.
    return part
  }
}

function whyHostile(part: string): string | undefined {
  if (part === '' || part === '.' || part === '..')
    return 'the path has an empty part or climbs (. or ..): rename the object'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here.
  if (/[\u0000-\u001f\u007f]/.test(part)) return 'a name has a control character: rename the object'
  if (/["'`\\/]/.test(part)) return 'a name has a quote, a slash or a backslash: rename the object'
  return undefined
}
