import { type FileSettings, type Metadata, type Snapshot, tableFileSettings } from '@tributary/delta'
import type { TableConfig } from '../config/config.ts'

/** The table's properties with those that the configuration sets. */
export function configuredProperties(
  { properties }: Pick<TableConfig, 'properties'>,
  metadata: Pick<Metadata, 'configuration'> | undefined,
): Metadata['configuration'] {
  return { ...metadata?.configuration, ...properties }
}

/** How files of a table are written from now on; it may be there or not. Throws `FILE_SETTING_INVALID`. */
export function configuredSettings(
  table: Pick<TableConfig, 'properties'>,
  snapshot: Pick<Snapshot, 'metadata' | 'domains'> | undefined,
): FileSettings {
  const configuration = configuredProperties(table, snapshot?.metadata)
  return tableFileSettings({ metadata: { configuration }, domains: snapshot?.domains ?? new Map() })
}
