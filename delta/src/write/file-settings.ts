// How a table wants its data files: properties that readers never look at and writers should.

import { fileSettingInvalid } from '../errors.ts'
import type { Metadata } from '../protocol/actions.ts'
import { CLUSTERING_DOMAIN } from '../protocol/clustering.ts'
import { formatColumnPath, parseColumnPaths } from '../protocol/column-path.ts'

/** A codec by the name that DuckDB gives it. */
export type ParquetCodec = 'uncompressed' | 'snappy' | 'gzip' | 'zstd' | 'lz4_raw'

/** What a data file is to be like. */
export interface FileSettings {
  readonly codec: ParquetCodec
  /** Of which version of Parquet the encodings are: every reader knows those of 1. */
  readonly parquetVersion: 1 | 2
  readonly indexed: IndexedColumns
}

/** Which columns get statistics. */
export type IndexedColumns =
  /** So many of the first leaf columns, -1 for all. */
  | { readonly kind: 'first'; readonly count: number }
  /** These, by the names of the schema; of a record, all of its fields. */
  | { readonly kind: 'named'; readonly paths: readonly (readonly string[])[] }

const STATS_COLUMNS = 'delta.dataSkippingStatsColumns'
const CODEC = 'delta.parquet.compression.codec'
const PARQUET_VERSION = 'delta.parquet.format.version'
const INDEXED_COLUMNS = 32

/** The properties that can be set to what no writer could follow. */
export const FILE_SETTINGS: readonly string[] = [CODEC, PARQUET_VERSION, STATS_COLUMNS]

// PROTOCOL.md names two codecs for LZ4; the frame of the older one is Hadoop's, which few readers know.
const CODECS: ReadonlyMap<string, ParquetCodec> = new Map([
  ['none', 'uncompressed'],
  ['uncompressed', 'uncompressed'],
  ['snappy', 'snappy'],
  ['gzip', 'gzip'],
  ['zstd', 'zstd'],
  ['lz4', 'lz4_raw'],
  ['lz4_raw', 'lz4_raw'],
])

/** How files are written where a table says nothing. */
export const USUAL_SETTINGS: FileSettings = {
  codec: 'zstd',
  parquetVersion: 1,
  indexed: { kind: 'first', count: INDEXED_COLUMNS },
}

/**
 * The settings that a table's properties make: `delta.parquet.compression.codec`, `delta.parquet.format.version`,
 * `delta.dataSkippingStatsColumns`, and where this is not set `delta.dataSkippingNumIndexedCols`. Throws `FILE_SETTING_INVALID`.
 */
export function fileSettings({ configuration }: Pick<Metadata, 'configuration'>): FileSettings {
  return {
    codec: codecOf(configuration),
    parquetVersion: parquetVersionOf(configuration),
    indexed: indexedColumnsOf(configuration),
  }
}

function codecOf(configuration: Metadata['configuration']): ParquetCodec {
  const name = configuration[CODEC]
  const codec = name === undefined ? USUAL_SETTINGS.codec : CODECS.get(name.trim().toLowerCase())
  if (codec === undefined)
    throw fileSettingInvalid(CODEC, name ?? '', `Set it to one of ${[...CODECS.keys()].join(', ')}.`)
  return codec
}

function parquetVersionOf(configuration: Metadata['configuration']): FileSettings['parquetVersion'] {
  const version = configuration[PARQUET_VERSION]
  const [, major] = /^([12])\.\d+\.\d+$/.exec(version?.trim() ?? '1.0.0') ?? []
  if (major === undefined)
    throw fileSettingInvalid(PARQUET_VERSION, version ?? '', 'Set it to 1.0.0, which every reader knows, or to 2.12.0.')
  return major === '2' ? 2 : 1
}

function indexedColumnsOf(configuration: Metadata['configuration']): IndexedColumns {
  const columns = configuration[STATS_COLUMNS]
  if (columns === undefined) {
    const count = Number(configuration['delta.dataSkippingNumIndexedCols'] ?? INDEXED_COLUMNS)
    return { kind: 'first', count: Number.isInteger(count) ? count : INDEXED_COLUMNS }
  }
  const paths = parseColumnPaths(columns)
  if (paths === undefined)
    throw fileSettingInvalid(
      STATS_COLUMNS,
      columns,
      'Set it to columns with commas between, such as id,home.city,`a.b`.',
    )
  return { kind: 'named', paths }
}

/** The properties after a column got another name, or was dropped: it keeps its statistics, or leaves their list. */
export function withStatsColumns(
  configuration: Metadata['configuration'],
  names: readonly string[],
  to: string | undefined,
): Metadata['configuration'] {
  const paths = parseColumnPaths(configuration[STATS_COLUMNS] ?? '')
  const isWithin = (path: readonly string[]): boolean =>
    names.every((name, depth) => name.toLowerCase() === path[depth]?.toLowerCase())
  if (paths === undefined || !paths.some(isWithin)) return configuration
  const kept = paths.flatMap((path) => {
    if (!isWithin(path)) return [path]
    return to === undefined ? [] : [[...path.slice(0, names.length - 1), to, ...path.slice(names.length)]]
  })
  return { ...configuration, [STATS_COLUMNS]: kept.map(formatColumnPath).join(',') }
}

/**
 * How the data files of a table are to be written: by its properties, with statistics of what it is clustered by; undefined stands
 * for a table that is to be made. Throws `FILE_SETTING_INVALID`.
 */
export function tableFileSettings(
  table:
    | { readonly metadata: Pick<Metadata, 'configuration'>; readonly domains: ReadonlyMap<string, string> }
    | undefined,
): FileSettings {
  if (table === undefined) return USUAL_SETTINGS
  const settings = fileSettings(table.metadata)
  // PROTOCOL.md, "Clustered Table": clustering columns always have statistics, wherever they stand.
  return table.domains.has(CLUSTERING_DOMAIN) ? { ...settings, indexed: { kind: 'first', count: -1 } } : settings
}
