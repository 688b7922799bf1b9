import type { Config } from '../config/config.ts'
import { parseLandingKey } from '../dms/file-name.ts'

/**
 * The tables that have to look when these objects were written, each with the objects that concern it. None: they are no table data, or
 * of tables that are not configured.
 */
export function tablesWoken(config: Config, keys: readonly string[]): ReadonlyMap<string, ReadonlySet<string>> {
  const names = config.tables.map(({ name }) => name)
  const options = { bucketFolder: config.dms.BucketFolder, cdcPath: config.dms.CdcPath, tables: names }
  const woken = new Map<string, Set<string>>()
  const wake = (name: string, key: string): void => {
    const known = woken.get(name)
    if (known === undefined) woken.set(name, new Set([key]))
    else known.add(key)
  }
  for (const key of keys) {
    const parsed = parseLandingKey(key, options)
    // A file of transactions may hold changes of any table.
    if (parsed.kind === 'transactions') for (const name of names) wake(name, key)
    if (parsed.kind !== 'load' && parsed.kind !== 'cdc') continue
    const name = `${parsed.schema}.${parsed.table}`
    if (names.includes(name)) wake(name, key)
  }
  return woken
}
