// A load writes its files as a stream, one Parquet file or more a landing file, and never stages them. Keys must be
// unique over all of it: the rows that lose to a later file or row are marked dead before the commit.
import {
  type AddFile,
  batchRows,
  duckdbType,
  type Engine,
  type FileSettings,
  quoteName,
  type Snapshot,
  type StructType,
  scanSql,
  writeDataFiles,
} from '@tributary/delta'
import { placeOf } from '../dms/file-name.ts'
import { nameList, type StagedFile } from './batch.ts'
import { areDistinct } from './distinct-keys.ts'
import { placeColumns } from './locate.ts'
import type { UpsertParts } from './target.ts'

/** Writes one landing file's rows as data files. `relation` yields the table's columns and `__row`. */
export async function writeLoadFile(
  { engine, store, clock }: UpsertParts,
  file: StagedFile,
  table: { readonly schema: StructType; readonly partitionColumns: readonly string[]; readonly settings: FileSettings },
): Promise<readonly AddFile[]> {
  const columns = table.schema.fields.map(({ name, type }) =>
    file.columns.includes(name) ? nameList([name]) : `NULL::${duckdbType(type)} AS ${quoteName(name)}`,
  )
  return writeDataFiles(engine, store, clock, {
    relation: `SELECT ${columns.join(', ')}, "__row" FROM (${file.relation})`,
    schema: table.schema,
    partitionColumns: table.partitionColumns,
    extraColumns: placeColumns,
    constants: new Map([['__file', file.key]]),
    rows: 'many',
    settings: table.settings,
  })
}

/** Rows of a load that have the key of a later row, by data file: they are superseded. */
export async function findRepeatedKeys(
  engine: Engine,
  files: Snapshot,
  key: readonly string[],
): Promise<readonly { readonly file: AddFile; readonly positions: readonly number[]; readonly landingKey: string }[]> {
  const keys = await scanSql(engine, files, { columns: key })
  if (await areDistinct(engine, keys, { schema: files.schema, key })) return []
  await engine.run(
    `CREATE OR REPLACE TEMP TABLE repeated AS SELECT ${nameList(key)} FROM (${keys}) GROUP BY ALL HAVING count(*) > 1`,
  )
  const [found] = await engine.all('SELECT count(*) AS n FROM repeated')
  if (Number(found?.['n'] ?? 0) === 0) return []
  const scan = await scanSql(engine, files, { columns: key, withPlace: true, extraColumns: placeColumns })
  await engine.run(
    `CREATE OR REPLACE TEMP TABLE rivals AS SELECT s.* FROM (${scan}) s SEMI JOIN repeated USING (${nameList(key)})`,
  )
  const landing = await engine.all('SELECT DISTINCT "__file" AS file FROM rivals')
  await engine.run('CREATE OR REPLACE TEMP TABLE places (file VARCHAR, place VARCHAR)')
  await engine.append(
    'places',
    ['file', 'place'],
    landing.map(({ file }) => [String(file), placeOf(String(file))]),
  )
  const losers = engine.stream(`SELECT "__path" AS path, "__position" AS position, "__file" AS file FROM (
      SELECT r."__path", r."__position", r."__file" FROM rivals r JOIN places p ON p.file = r."__file"
      QUALIFY row_number() OVER (PARTITION BY ${nameList(key, 'r')} ORDER BY p.place DESC, r."__row" DESC) > 1)
    ORDER BY 1, 2`)
  const positions = new Map<string, { positions: number[]; landingKey: string }>()
  for await (const batch of losers) {
    for (const row of batchRows(batch)) {
      const path = String(row['path'])
      const known = positions.get(path) ?? { positions: [], landingKey: String(row['file']) }
      known.positions.push(Number(row['position']))
      positions.set(path, known)
    }
  }
  return files.files.flatMap((file) => {
    const lost = positions.get(file.path)
    return lost === undefined ? [] : [{ file, ...lost }]
  })
}
