import type { Store } from '@tributary/delta'
import { parseLandingKey } from '../dms/file-name.ts'

/** A table as it lies in a landing. */
export interface FoundTable {
  readonly schema: string
  readonly table: string
  /** Keys, the oldest first. */
  readonly loads: readonly string[]
  readonly changes: readonly string[]
}

/** What a landing holds, by the names of its objects. */
export interface FoundLanding {
  /** The folder above the schemas, `''` when they lie at the root. */
  readonly bucketFolder: string
  readonly hasTransactions: boolean
  readonly tables: readonly FoundTable[]
  /** Objects that are no table data, with the reason. */
  readonly ignored: readonly { readonly key: string; readonly why: string }[]
}

/** Lists a landing and sorts its objects into tables. */
export async function findTables(landing: Store): Promise<FoundLanding> {
  const keys: string[] = []
  for await (const { path, sizeBytes } of landing.list('')) if (sizeBytes > 0) keys.push(path)
  const bucketFolder = guessBucketFolder(keys)
  const tables = new Map<string, { schema: string; table: string; loads: string[]; changes: string[] }>()
  const ignored: { key: string; why: string }[] = []
  let hasTransactions = false
  for (const key of keys) {
    const parsed = parseLandingKey(key, { tables: [], ...(bucketFolder === '' ? {} : { bucketFolder }) })
    if (parsed.kind === 'transactions') hasTransactions = true
    else if (parsed.kind === 'control') ignored.push({ key, why: 'a control table of DMS' })
    else if (parsed.kind === 'validation') ignored.push({ key, why: 'a validation result of DMS' })
    else if (parsed.kind === 'ignored' || parsed.kind === 'refused') ignored.push({ key, why: parsed.why })
    else {
      const name = `${parsed.schema}.${parsed.table}`
      const found = tables.get(name) ?? { schema: parsed.schema, table: parsed.table, loads: [], changes: [] }
      tables.set(name, found)
      ;(parsed.kind === 'load' ? found.loads : found.changes).push(key)
    }
  }
  return { bucketFolder, hasTransactions, tables: [...tables.values()], ignored }
}

/** The folders that all objects have above `<schema>/<table>/`. Change files tell it best: their date folders are known by their digits. */
function guessBucketFolder(keys: readonly string[]): string {
  const folders = keys
    .filter((key) => !/\/(?:awsdms|attrep)_|s3_validation_failures/i.test(key))
    .flatMap((key) => {
      const parts = key.split('/')
      const name = parts.pop() ?? ''
      if (/^\d{8}-\d{6,}\./.test(name)) {
        while (/^\d{2,4}(?:[-_]?\d{2,4}){0,3}$/.test(parts.at(-1) ?? '')) parts.pop()
        return [parts]
      }
      return /^(?:SEGMENT\d+_)?LOAD[0-9A-F]{8}\./i.test(name) ? [parts] : []
    })
  const shallowest = Math.min(...folders.map((parts) => parts.length))
  const [first] = folders.filter((parts) => parts.length === shallowest)
  if (first === undefined || first.length <= 2) return ''
  const above = first.slice(0, -2)
  return folders.every((parts) => above.every((part, index) => parts[index] === part)) ? above.join('/') : ''
}
