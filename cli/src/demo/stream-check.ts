// Whether the tables hold what was put: DuckDB reads the files as they were put, with no code of the pipeline's, and takes the newest line
// of each key; the command reads the tables.
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { duckdbType, type Engine, quoteFileName, quoteName, quoteText } from '@tributary/delta'
import type { StreamFile } from './stream-steps.ts'
import { type StreamTable, streamTables } from './stream-tables.ts'

/** Writes what was put below a folder, to be read again. */
export async function keepPut(folder: string, files: readonly StreamFile[]): Promise<void> {
  for (const { key, text } of files) {
    const path = join(folder, key)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }
}

/** Rows of a table, and how many rows are in only one of the table and what was put. */
export interface Compared {
  readonly rows: number
  readonly different: number
}

/** Compares the put files of a table with its rows, in a Parquet file. */
export async function compareTable(
  engine: Pick<Engine, 'all'>,
  table: StreamTable,
  { put, rows }: { readonly put: string; readonly rows: string },
): Promise<Compared> {
  const { key, columns } = streamTables[table]
  const names = [...Object.keys(columns), 'change_seq'].map(quoteName).join(', ')
  const typed = Object.entries(columns).map(
    ([name, type]) => `CAST(${quoteName(name)} AS ${duckdbType(type)}) AS ${quoteName(name)}`,
  )
  const files = quoteText(`${join(put, table.replace('.', '/'))}/*.csv`)
  const [row] = await engine.all(`
    WITH lines AS (
      SELECT * FROM read_csv(${files}, header = true, all_varchar = true, nullstr = '\\N', union_by_name = true)
    ), newest AS (
      SELECT ${typed.join(', ')}, coalesce(change_seq, '') AS change_seq FROM lines
      QUALIFY row_number() OVER (PARTITION BY ${key.map(quoteName).join(', ')} ORDER BY coalesce(change_seq, '') DESC) = 1
    ), stored AS (
      SELECT ${names} FROM read_parquet(${quoteFileName(rows)})
    )
    SELECT (SELECT count(*) FROM stored) AS rows,
      (SELECT count(*) FROM (FROM newest EXCEPT ALL FROM stored)) + (SELECT count(*) FROM (FROM stored EXCEPT ALL FROM newest)) AS different`)
  return { rows: Number(row?.['rows']), different: Number(row?.['different']) }
}
