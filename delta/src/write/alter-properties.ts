import type { Clock } from '../clock.ts'
import { alterationInvalid, columnNotFound } from '../errors.ts'
import type { Metadata } from '../protocol/actions.ts'
import { columnMappingMode } from '../protocol/column-mapping.ts'
import { findPath, formatColumnPath } from '../protocol/column-path.ts'
import { encodeSchema } from '../protocol/parse-schema.ts'
import { FILE_SETTINGS, fileSettings } from './file-settings.ts'
import { withPhysicalNames } from './physical-names.ts'
import type { TargetTable } from './table-rows.ts'

/** Properties to set, and with null to take away. */
export type PropertyChange = Readonly<Record<string, string | null>>

// The protocol's own bookkeeping: whoever sets them by hand breaks what they count.
const KEPT_BY_WRITERS = [
  'delta.columnMapping.maxColumnId',
  'delta.inCommitTimestampEnablementVersion',
  'delta.inCommitTimestampEnablementTimestamp',
  'delta.rowTracking.materializedRowIdColumnName',
  'delta.rowTracking.materializedRowCommitVersionColumnName',
]

/** The metadata after a change of properties, with what those need: ids for column mapping, names for row tracking. Throws `ALTERATION_INVALID`. */
export function alterProperties(clock: Clock, table: TargetTable, change: PropertyChange): Metadata {
  const kept = Object.keys(change).find((name) => KEPT_BY_WRITERS.includes(name))
  if (kept !== undefined) throw alterationInvalid(`${kept} is counted by writers`, 'Leave it alone.')
  const configuration = Object.fromEntries(
    Object.entries({ ...table.metadata.configuration, ...change }).flatMap(([name, value]) =>
      value === null ? [] : [[name, value] as const],
    ),
  )
  const metadata = { ...table.metadata, configuration }
  assertFeedColumns(table, metadata)
  if (FILE_SETTINGS.some((name) => name in change)) assertFileSettings(table, metadata)
  return withRowIdColumns(clock, withMapping(clock, table, metadata))
}

/** PROTOCOL.md, "Change Data Files": a data column of these names would be taken for the feed's own. */
export function assertFeedColumns({ schema }: Pick<TargetTable, 'schema'>, metadata: Metadata): void {
  if (metadata.configuration['delta.enableChangeDataFeed']?.toLowerCase() !== 'true') return
  const taken = schema.fields.find(({ name }) =>
    ['_change_type', '_commit_version', '_commit_timestamp'].includes(name.toLowerCase()),
  )
  if (taken !== undefined)
    throw alterationInvalid(`a change feed has a column ${taken.name} of its own`, 'Name the column otherwise.')
}

/** Whoever sets them hears at once what no writer could follow. Throws `FILE_SETTING_INVALID`, `COLUMN_NOT_FOUND`. */
export function assertFileSettings(
  { schema }: Pick<TargetTable, 'schema'>,
  metadata: Pick<Metadata, 'configuration'>,
): void {
  const { indexed } = fileSettings(metadata)
  const lost = indexed.kind === 'named' ? indexed.paths.find((path) => findPath(schema, path) === undefined) : undefined
  if (lost !== undefined)
    throw columnNotFound(
      formatColumnPath(lost),
      schema.fields.map(({ name }) => name),
    )
}

function withMapping(clock: Clock, table: TargetTable, metadata: Metadata): Metadata {
  const before = columnMappingMode(table)
  const after = metadata.configuration['delta.columnMapping.mode']?.toLowerCase() ?? 'none'
  if (before === after) return metadata
  // PROTOCOL.md, "Column Mapping": files that are there have no field ids, so only names can be mapped afterwards.
  if (before !== 'none' || after !== 'name')
    throw alterationInvalid(
      `column mapping cannot go from ${before} to ${after}`,
      'It may only be set to name, on a table without it.',
    )
  const mapped = withPhysicalNames(table.schema, { clock, maxColumnId: 0, keepNames: true })
  return {
    ...metadata,
    schemaString: encodeSchema(mapped.schema),
    configuration: { ...metadata.configuration, 'delta.columnMapping.maxColumnId': String(mapped.maxColumnId) },
  }
}

function withRowIdColumns(clock: Clock, metadata: Metadata): Metadata {
  const { configuration } = metadata
  const isTracked = configuration['delta.enableRowTracking']?.toLowerCase() === 'true'
  if (!isTracked || 'delta.rowTracking.materializedRowIdColumnName' in configuration) return metadata
  return {
    ...metadata,
    configuration: {
      ...configuration,
      'delta.rowTracking.materializedRowIdColumnName': `_row-id-col-${clock.uuid()}`,
      'delta.rowTracking.materializedRowCommitVersionColumnName': `_row-commit-version-col-${clock.uuid()}`,
    },
  }
}
