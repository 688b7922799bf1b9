import type { Config } from '../config/config.ts'
import { parseLandingKey } from '../dms/file-name.ts'

/** The tables that have to look when these objects were written. None: they are no table data, or of tables not configured. */
export function tablesWoken(config: Config, keys: readonly string[]): ReadonlySet<string> {
  const names = config.tables.map(({ name }) => name)
  const options = { bucketFolder: config.dms.BucketFolder, cdcPath: config.dms.CdcPath, tables: names }
  const woken = new Set<string>()
  for (const key of keys) {
    const parsed = parseLandingKey(key, options)
    // A file of transactions may hold changes of any table.
    if (parsed.kind === 'transactions') return new Set(names)
    if (parsed.kind !== 'load' && parsed.kind !== 'cdc') continue
    const name = `${parsed.schema}.${parsed.table}`
    if (names.includes(name)) woken.add(name)
  }
  return woken
}
