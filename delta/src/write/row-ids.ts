import type { Snapshot } from '../log/snapshot.ts'
import { supportsWriterFeature } from '../protocol/features.ts'
import type { ExtraColumn } from '../read/file-rows.ts'

/** Where rows that are copied from file to file keep what tells them apart. */
export interface RowIdColumns {
  readonly id: string
  readonly commitVersion: string
  readonly extraColumns: readonly ExtraColumn[]
}

/** The materialized columns of a table that tracks rows; undefined where rows need no ids. PROTOCOL.md, "Row Tracking". */
export function rowIdColumns({
  protocol,
  metadata,
}: Pick<Snapshot, 'protocol' | 'metadata'>): RowIdColumns | undefined {
  const { configuration } = metadata
  const isEnabled = configuration['delta.enableRowTracking']?.toLowerCase() === 'true'
  const id = configuration['delta.rowTracking.materializedRowIdColumnName']
  const commitVersion = configuration['delta.rowTracking.materializedRowCommitVersionColumnName']
  if (!isEnabled || !supportsWriterFeature(protocol, 'rowTracking') || id === undefined || commitVersion === undefined)
    return undefined
  return {
    id,
    commitVersion,
    extraColumns: [
      { name: id, type: 'long' },
      { name: commitVersion, type: 'long' },
    ],
  }
}
