import { type DataType, quoteText, readSnapshot, type Snapshot, type Store } from '@tributary/delta'
import { type Counts, parseTableState, STATE_DOMAIN } from '../ledger/table-state.ts'
import { sizeOf, type TableSize } from './table-size.ts'

/** A table at one version: what it is, not what is in it. The `--json` of `show`, whose schema is published. */
export interface TableDescription {
  readonly schema: 'tributary.table/1'
  readonly table: string
  readonly url: string
  readonly id: string
  readonly version: number
  readonly committedAt: string
  readonly columns: readonly ColumnDescription[]
  readonly partitionColumns: readonly string[]
  readonly properties: Readonly<Record<string, string>>
  readonly protocol: {
    readonly minReaderVersion: number
    readonly minWriterVersion: number
    readonly readerFeatures: readonly string[]
    readonly writerFeatures: readonly string[]
  }
  readonly size: TableSize
  /** What Tributary keeps of it; null for a table that another program writes. */
  readonly pipeline: {
    readonly key: readonly string[]
    readonly sequence: string | null
    readonly batch: number
    readonly generation: number
    readonly sourceAt: string | null
    readonly totals: Counts
    readonly quarantinedRows: number
  } | null
  /** How to read it elsewhere, by program. */
  readonly snippets: Readonly<Record<'tributary' | 'delta-rs' | 'spark' | 'duckdb', string>>
}

export interface ColumnDescription {
  readonly name: string
  /** In Delta's own spelling; nested types as `struct<a: long>`. */
  readonly type: string
  readonly nullable: boolean
}

/** Describes a table from its log alone. Throws what `readSnapshot` throws. */
export async function showTable(
  table: { readonly name: string; readonly store: Store },
  options: { readonly version?: number } = {},
): Promise<TableDescription> {
  const snapshot = await readSnapshot(table.store, options)
  const { metadata, protocol } = snapshot
  return {
    schema: 'tributary.table/1',
    table: table.name,
    url: table.store.url,
    id: metadata.id,
    version: snapshot.version,
    committedAt: new Date(snapshot.timestampMs).toISOString(),
    columns: snapshot.schema.fields.map(({ name, type, nullable }) => ({ name, type: typeText(type), nullable })),
    partitionColumns: metadata.partitionColumns,
    properties: metadata.configuration,
    protocol: {
      minReaderVersion: protocol.minReaderVersion,
      minWriterVersion: protocol.minWriterVersion,
      readerFeatures: protocol.readerFeatures ?? [],
      writerFeatures: protocol.writerFeatures ?? [],
    },
    size: sizeOf(snapshot),
    pipeline: describePipeline(snapshot),
    snippets: snippetsOf(table.name, snapshot),
  }
}

function describePipeline(snapshot: Snapshot): TableDescription['pipeline'] {
  const text = snapshot.domains.get(STATE_DOMAIN)
  if (text === undefined) return null
  const { key, sequence, batch, generation, sourceAt, totals, quarantine } = parseTableState(text)
  return {
    key,
    sequence: sequence ?? null,
    batch,
    generation,
    sourceAt: sourceAt ?? null,
    totals,
    quarantinedRows: quarantine.reduce((sum, segment) => sum + segment.entries, 0),
  }
}

/** A type in one line. */
export function typeText(type: DataType): string {
  if (typeof type === 'string') return type
  if (type.type === 'array') return `array<${typeText(type.elementType)}>`
  if (type.type === 'map') return `map<${typeText(type.keyType)}, ${typeText(type.valueType)}>`
  return `struct<${type.fields.map((field) => `${field.name}: ${typeText(field.type)}`).join(', ')}>`
}

function snippetsOf(name: string, { store, version }: Snapshot): TableDescription['snippets'] {
  const place = store.url.startsWith('file://') ? decodeURIComponent(store.url.slice('file://'.length)) : store.url
  const inPython = JSON.stringify(place)
  const inSql = quoteText(place)
  return {
    tributary: `tributary sql "FROM ${name} AT (VERSION => ${version}) LIMIT 10"`,
    // delta-rs's to_pandas refuses deletion vectors; its query engine reads them.
    'delta-rs': `from deltalake import DeltaTable, QueryBuilder; QueryBuilder().register("t", DeltaTable(${inPython}, version=${version})).execute("select * from t limit 10")`,
    spark: `spark.read.format("delta").option("versionAsOf", ${version}).load(${inPython})`,
    duckdb: `FROM delta_scan(${inSql}, version => ${version}) LIMIT 10`,
  }
}
