// `tributary init`: from a landing folder to a first tributary.yaml, with what was seen and what is only assumed.
import type { Engine, Store } from '@tributary/delta'
import { stringify } from 'yaml'
import { landingEmpty } from '../errors.ts'
import { type Description, describeSamples, isLikelyKey, type TableSamples } from './describe-samples.ts'
import { findHeader } from './find-header.ts'
import { type FoundTable, findTables } from './find-tables.ts'
import type { Sample } from './sample-file.ts'

/** A table of the proposal. */
export interface ProposedTable {
  readonly table: string
  readonly loadFiles: number
  readonly changeFiles: number
  readonly key: readonly string[]
  /** Other columns that would do as key. */
  readonly otherKeys: readonly (readonly string[])[]
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  /** What a person has to look at before the first ingest. */
  readonly doubts: readonly string[]
}

/** A first configuration and how it came about. */
export interface ConfigProposal {
  /** The text of `tributary.yaml`. */
  readonly yaml: string
  readonly settings: Readonly<Record<string, string | boolean>>
  readonly tables: readonly ProposedTable[]
  readonly ignored: readonly { readonly key: string; readonly why: string }[]
}

const SAMPLES_EACH = 2

/** Looks at the names of all files of a landing and into the first ones of each table. Throws `LANDING_EMPTY`. */
export async function proposeConfig(
  landing: Store,
  engine: Engine,
  places: { readonly landing: string; readonly lake: string },
): Promise<ConfigProposal> {
  const found = await findTables(landing)
  const sampled: SampledTable[] = []
  for (const table of found.tables) {
    const loads = await sampleAll(landing, engine, table.loads)
    const changes = await sampleAll(landing, engine, table.changes)
    sampled.push({ found: table, samples: { loads, changes }, isHeaded: findHeader([...loads, ...changes]) })
  }
  const described = describeAll(sampled)
  if (described.length === 0) throw landingEmpty(landing.url)
  const settings = settingsOf(
    described.map(({ description }) => description),
    found,
  )
  const tables = described.map(proposeTable)
  const sequences = new Map(
    described.flatMap(({ found: table, description }) =>
      description.sequence === undefined ? [] : [[nameOf(table), description.sequence]],
    ),
  )
  return { yaml: yamlOf(places, { settings, tables, sequences }), settings, tables, ignored: found.ignored }
}

interface SampledTable {
  readonly found: FoundTable
  readonly samples: TableSamples
  /** Undefined where its files alone do not tell. */
  readonly isHeaded: boolean | undefined
}

interface DescribedTable {
  readonly found: FoundTable
  readonly description: Description
  /** Neither its files nor those of another table tell whether there is a header. */
  readonly isHeaderOpen: boolean
}

/** One endpoint wrote all files: where those of one table may have a header or not, the others tell. */
function describeAll(sampled: readonly SampledTable[]): readonly DescribedTable[] {
  const told = sampled.flatMap(({ isHeaded }) => isHeaded ?? [])
  const isHeadedElsewhere = told.includes(true)
  return sampled.flatMap(({ found, samples, isHeaded }) => {
    const description = describeSamples(found.table, samples, isHeaded ?? isHeadedElsewhere)
    const isHeaderOpen = description?.format === 'csv' && isHeaded === undefined && told.length === 0
    return description === undefined ? [] : [{ found, description, isHeaderOpen }]
  })
}

async function sampleAll(landing: Store, engine: Engine, keys: readonly string[]): Promise<readonly Sample[]> {
  // Loaded on use: it brings the CSV parser, which no other command needs at its start.
  const { sampleFile } = await import('./sample-file.ts')
  const samples: Sample[] = []
  for (const key of keys.slice(0, SAMPLES_EACH)) {
    const sample = await sampleFile(landing, engine, key)
    if (sample !== undefined) samples.push(sample)
  }
  return samples
}

/** The endpoint's settings that the files show. They are a default: `ingest` looks at each file again. */
function settingsOf(
  described: readonly Description[],
  { bucketFolder, hasTransactions }: { readonly bucketFolder: string; readonly hasTransactions: boolean },
): Readonly<Record<string, string | boolean>> {
  const csv = described.find(({ format }) => format === 'csv')
  const timestamp = described.map(({ timestampColumn }) => timestampColumn).find((name) => name !== undefined)
  const nullMarker = described.map((description) => description.nullMarker).find((marker) => marker !== undefined)
  return {
    DataFormat: csv === undefined ? 'parquet' : 'csv',
    ...(bucketFolder === '' ? {} : { BucketFolder: bucketFolder }),
    ...(csv?.isGzip === true ? { CompressionType: 'gzip' } : {}),
    ...(csv === undefined ? {} : { AddColumnName: csv.hasHeader }),
    ...(csv === undefined || csv.delimiter === ',' ? {} : { CsvDelimiter: csv.delimiter }),
    ...(described.some(({ hasOpInLoad }) => hasOpInLoad) ? { IncludeOpForFullLoad: true } : {}),
    ...(nullMarker === undefined ? {} : { CsvNullValue: nullMarker }),
    ...(timestamp === undefined ? {} : { TimestampColumnName: timestamp }),
    ...(hasTransactions ? { PreserveTransactions: true } : {}),
  }
}

function proposeTable({ found, description, isHeaderOpen }: DescribedTable): ProposedTable {
  const { columns, keys, hasHeader, format } = description
  const [best, ...otherKeys] = keys
  const first = columns[0]?.name
  const doubts: string[] = []
  if (best === undefined) doubts.push('no column is filled and unique in the sample: correct the key')
  else if (best.length > 1) doubts.push('only two columns together are unique in the sample: check the key')
  else if (otherKeys.length > 0 && !isLikelyKey(found.table, best[0] ?? ''))
    doubts.push(
      `these are unique too: ${otherKeys
        .slice(0, 3)
        .map((key) => key.join(' + '))
        .join(', ')}`,
    )
  if (isHeaderOpen)
    doubts.push('the first line may be a header: set AddColumnName and name the columns, or name them in their order')
  else if (format === 'csv' && !hasHeader) doubts.push('the files have no header: name the columns in their order')
  return {
    table: nameOf(found),
    loadFiles: found.loads.length,
    changeFiles: found.changes.length,
    key: best ?? (first === undefined ? [] : [first]),
    otherKeys,
    columns,
    doubts,
  }
}

function nameOf({ schema, table }: FoundTable): string {
  return `${schema}.${table}`
}

function yamlOf(
  places: { readonly landing: string; readonly lake: string },
  {
    settings,
    tables,
    sequences,
  }: Pick<ConfigProposal, 'settings' | 'tables'> & { readonly sequences: ReadonlyMap<string, string> },
): string {
  const lines = [
    '# Written by `tributary init` from the files that were there: read it before the first `tributary ingest`.',
  ]
  lines.push(`landing: ${scalar(places.landing)}`, `lake: ${scalar(places.lake)}`, 'dms:')
  for (const [name, value] of Object.entries(settings)) lines.push(`  ${name}: ${scalar(value)}`)
  if (tables.some(({ table }) => !sequences.has(table))) lines.push(...ABOUT_SEQUENCE)
  lines.push('tables:')
  for (const { table, key, columns, doubts } of tables) {
    lines.push(`  ${scalar(table)}:`, ...doubts.map((doubt) => `    # ${doubt}`))
    lines.push(`    key: [${key.map(scalar).join(', ')}]`)
    const sequence = sequences.get(table)
    if (sequence !== undefined) lines.push(`    sequence: ${scalar(sequence)}`)
    lines.push('    columns:', ...columns.map(({ name, type }) => `      ${scalar(name)}: ${scalar(type)}`))
  }
  return `${lines.join('\n')}\n`
}

const ABOUT_SEQUENCE = [
  '# `sequence: change_seq` beside a key names the column that a transformation rule of DMS fills with $AR_H_CHANGE_SEQ. With it a file',
  '# that comes late is put in order by its rows; a table without it stops at such a file.',
]

/** A scalar as YAML wants it, also inside a flow list. */
function scalar(value: string | boolean): string {
  const plain = stringify(value, { lineWidth: 0 }).trimEnd()
  return typeof value === 'string' && /[,[\]{}#:\n]/.test(plain) && !plain.startsWith('"') && !plain.startsWith("'")
    ? JSON.stringify(value)
    : plain
}
