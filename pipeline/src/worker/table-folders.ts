// Where in the landing each table's files are. A message wakes one table, and listing its folders costs less than listing the landing.
//
// All its folders, and whole: the files of a table are applied in their order, so whoever looks must see those too whose messages were
// lost or are late. Folders that nobody has heard of are found by the sweep, which lists everything.
import { parseLandingKey } from '../dms/file-name.ts'
import type { Lake } from './lake.ts'
import type { Listing } from './listing.ts'

/** Folders by table; it learns. */
export interface TableFolders {
  /** Remembers where the files of a listing were. */
  readonly learn: (listing: Listing) => void
  /** What to list for a table of whose files some were named; the empty prefix is the whole landing. */
  readonly of: (table: string, keys: Iterable<string>) => readonly string[]
}

// DMS puts up to four folders of dates below a table's.
const BELOW_MAX = 4

/** Starts knowing nothing. */
export function tableFolders({ config }: Pick<Lake, 'config'>): TableFolders {
  const { BucketFolder, CdcPath, PreserveTransactions } = config.dms
  const options = { bucketFolder: BucketFolder, cdcPath: CdcPath, tables: config.tables.map(({ name }) => name) }
  const known = new Map<string, Set<string>>()
  const roots = new Map<string, string>()
  const tableOf = (key: string): string | undefined => {
    const parsed = parseLandingKey(key, options)
    return parsed.kind === 'load' || parsed.kind === 'cdc' ? `${parsed.schema}.${parsed.table}` : undefined
  }
  /** The table's own folder, above those of dates and segments. */
  const rootOf = (table: string, key: string): string => {
    const parts = key.split('/')
    const [file = ''] = parts.splice(-1)
    const folder = parts.join('/')
    const found = roots.get(folder)
    if (found !== undefined) return found
    const shortest = Array.from({ length: BELOW_MAX + 1 }, (_, below) => parts.slice(0, parts.length - below).join('/'))
      .filter((shorter) => tableOf(`${shorter}/${file}`) === table)
      .at(-1)
    const root = `${shortest ?? folder}/`
    roots.set(folder, root)
    return root
  }
  const remember = (table: string, key: string): void => {
    const folders = known.get(table) ?? new Set()
    known.set(table, folders.add(rootOf(table, key)))
  }
  return {
    learn: ({ tables }) => {
      for (const [table, files] of tables)
        for (const { key, kind } of files) if (kind !== 'transactions') remember(table, key)
    },
    of: (table, keys) => {
      // Transactions lie in a folder of their own, for all tables.
      if (CdcPath !== undefined || PreserveTransactions === true) return ['']
      for (const key of keys) if (tableOf(key) === table) remember(table, key)
      const folders = [...(known.get(table) ?? [])]
      return folders.filter((folder) => !folders.some((other) => other !== folder && folder.startsWith(other)))
    },
  }
}
