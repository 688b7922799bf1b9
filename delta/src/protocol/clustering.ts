// PROTOCOL.md, "Clustered Table": a metadata domain names the columns by physical names.

import { clusterColumnInvalid } from '../errors.ts'

/** The metadata domain that names the columns of a clustered table. */
export const CLUSTERING_DOMAIN = 'delta.clustering'

/** The columns of the domain's text, each by the physical names that lead to it; it may stand as one name or as a list. Throws `CLUSTER_COLUMN_INVALID`. */
export function parseClusteringColumns(text: string): readonly (readonly string[])[] {
  try {
    const value: unknown = JSON.parse(text)
    const columns =
      typeof value === 'object' && value !== null && 'clusteringColumns' in value ? value.clusteringColumns : []
    return Array.isArray(columns)
      ? columns.map((column: unknown) => (Array.isArray(column) ? column.map(String) : [String(column)]))
      : []
  } catch (cause) {
    throw clusterColumnInvalid(CLUSTERING_DOMAIN, 'its text is not JSON', { cause })
  }
}
