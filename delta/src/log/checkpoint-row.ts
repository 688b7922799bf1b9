import { decodePath } from '../protocol/paths.ts'
import { encodeStats, type JsonObject, type JsonValue } from '../protocol/stats.ts'
import { SIDECAR_FOLDER } from './file-names.ts'
import type { Row } from './parquet-records.ts'

/** How hyparquet is to make dates and times: in the form that statistics have. */
export const TEXT_TIMES = {
  dateFromDays: (days: number): string => new Date(days * 86_400_000).toISOString().slice(0, 10),
  timestampFromMilliseconds: (millis: bigint): string => isoMillis(millis),
  timestampFromMicroseconds: (micros: bigint): string => isoMillis(micros / 1000n - (micros % 1000n < 0n ? 1n : 0n)),
  timestampFromNanoseconds: (nanos: bigint): string =>
    isoMillis(nanos / 1_000_000n - (nanos % 1_000_000n < 0n ? 1n : 0n)),
}

function isoMillis(millis: bigint): string {
  return new Date(Number(millis)).toISOString()
}

/** A row of a checkpoint: an action for `parseAction`, or a mark that it is of the second kind. Undefined when all columns are null. */
export type CheckpointRow = { readonly kind: 'action'; readonly action: unknown } | { readonly kind: 'v2' }

/**
 * A row of a checkpoint as an action object: an add without JSON statistics gets those of its `stats_parsed`. hyparquet rounds
 * decimals, which would make a bound wrong, so the columns named in `decimals` get no bounds. Undefined when all columns are NULL.
 */
export function parseCheckpointRow(row: Row, decimals: ReadonlySet<string>): unknown {
  const [found] = row
  if (found === undefined) return undefined
  const [kind, body] = found
  if (!isFields(body) || body.stats_parsed === undefined) return { [kind]: body }
  const { stats_parsed: parsed, ...action } = body
  const stats = action.stats === undefined ? parseStatsStruct(parsed, decimals) : undefined
  return { [kind]: stats === undefined ? action : { ...action, stats } }
}

/** The version that a checkpoint of the second kind says it is of; undefined for any other row. */
export function parseCheckpointVersion(row: unknown): number | undefined {
  const stated = isFields(row) ? row.checkpointMetadata : undefined
  return isFields(stated) && stated.version != null ? Number(stated.version) : undefined
}

/** The file that a `sidecar` action names; undefined for any other row. Throws what `complain` makes. */
export function parseSidecar(row: unknown, complain: (why: string) => Error): string | undefined {
  const sidecar = isFields(row) ? row.sidecar : undefined
  if (!isFields(sidecar)) return undefined
  if (typeof sidecar.path !== 'string') throw complain('a sidecar in it has no path')
  // PROTOCOL.md, "Sidecar Files": always in `_delta_log/_sidecars`, so the name is enough, also where a whole path is written.
  const place = decodePath(sidecar.path.slice(sidecar.path.lastIndexOf('/') + 1))
  const name = place.kind === 'relative' ? place.path : place.url
  if (['', '.', '..'].includes(name) || name.includes('/'))
    throw complain(`its sidecar ${JSON.stringify(sidecar.path)} is no file`)
  return `${SIDECAR_FOLDER}${name}`
}

type Fields = Readonly<Record<string, unknown>>

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}

function parseStatsStruct(value: unknown, decimals: ReadonlySet<string>): string | undefined {
  if (!isFields(value)) return undefined
  const numRecords = parseCount(value.numRecords)
  const tightBounds = value.tightBounds
  const minValues = parseBounds(value.minValues, decimals)
  const maxValues = parseBounds(value.maxValues, decimals)
  const nullCount = parseBounds(value.nullCount, new Set())
  return encodeStats({
    ...(numRecords === undefined ? {} : { numRecords }),
    ...(typeof tightBounds === 'boolean' ? { tightBounds } : {}),
    ...(minValues === undefined ? {} : { minValues }),
    ...(maxValues === undefined ? {} : { maxValues }),
    ...(nullCount === undefined ? {} : { nullCount }),
  })
}

function parseCount(value: unknown): number | undefined {
  return typeof value === 'bigint' || typeof value === 'number' ? Number(value) : undefined
}

function parseBounds(value: unknown, decimals: ReadonlySet<string>): JsonObject | undefined {
  if (!isFields(value)) return undefined
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, bound]) => {
      const parsed = decimals.has(name) ? undefined : parseBound(bound, decimals)
      return parsed === undefined ? [] : [[name, parsed]]
    }),
  )
}

function parseBound(value: unknown, decimals: ReadonlySet<string>): JsonValue | undefined {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
  if (typeof value === 'string') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  return isFields(value) ? parseBounds(value, decimals) : undefined
}
