import {
  type AddFile,
  type ColumnBounds,
  duckdbType,
  type Engine,
  filesThatMayHold,
  parseStats,
  quoteName,
  quoteText,
  type Snapshot,
  scanSql,
} from '@tributary/delta'
import { phaseOf, placeOf } from '../dms/file-name.ts'
import { takeScannedRowsMax } from '../key-index/index-folder.ts'
import { fieldOf, nameList, sequenceValue, type TableShape } from './batch.ts'
import type { IndexedPlaces } from './indexed-places.ts'
import { locateByIndex } from './locate-by-index.ts'
import type { KeyQuestion, UpsertParts } from './target.ts'

/** What was found, and how. */
export interface Located {
  readonly rows: number
  /** What the key index told, where it was asked. */
  readonly indexed: IndexedPlaces | undefined
  /** Live files before the batch, those that statistics left, and those whose keys were read: none when the key index was asked. */
  readonly files: { readonly live: number; readonly left: number; readonly scanned: number }
}

/**
 * Finds the live rows that have the keys of relation `keysFrom`, which lie in `bounds`: table `located` (key, `__path`, `__position`, and with `guard`
 * the order each row last took). Reads key columns, and with `guard` the sequence and place, of the
 * files that statistics leave.
 */
export async function locateRows(
  { engine, clock, index, prefetched }: Pick<UpsertParts, 'engine' | 'clock' | 'index' | 'prefetched'>,
  snapshot: Snapshot | undefined,
  shape: TableShape,
  { bounds, ...question }: KeyQuestion & { readonly bounds: readonly ColumnBounds[] },
): Promise<Located> {
  const { guard, keysFrom } = question
  // Files whose statistics do not rule the batch's keys out.
  const files = snapshot === undefined ? [] : filesThatMayHold(snapshot, bounds)
  const found = (rows: number, scanned: number, indexed?: IndexedPlaces): Located => ({
    rows,
    indexed,
    files: { live: snapshot?.files.length ?? 0, left: files.length, scanned },
  })
  const isAsked =
    index !== undefined &&
    snapshot !== undefined &&
    files.length > 0 &&
    isWorthIndex(files, guard ? index.scannedRowsMax : takeScannedRowsMax(index, snapshot.version))
  if (index !== undefined) index.wasAsked = isAsked
  if (snapshot === undefined || files.length === 0) return found(await createEmpty(engine, shape), 0)
  if (isAsked) {
    const located = await locateByIndex({ engine, clock, index }, { snapshot, shape, prefetched, ...question })
    if (located !== undefined) return found(located.rows, 0, located)
  }
  const sequence = guard ? shape.sequence : undefined
  // A column that comes with this batch is NULL in the rows that are there.
  const scan = await scanSql(
    engine,
    { ...snapshot, schema: shape.schema },
    {
      columns: [...new Set([...shape.key, ...(sequence === undefined ? [] : [sequence])])],
      files,
      withPlace: true,
      extraColumns: guard ? placeColumns : [],
    },
  )
  const order = guard
    ? `, ${sequence === undefined ? 'NULL::VARCHAR' : sequenceValue(shape, sequence, 's')} AS "__seq", s."__file", s."__row"`
    : ''
  const [created] = await engine.all(`CREATE OR REPLACE TEMP TABLE located AS
    SELECT ${nameList(shape.key, 's')}, s."__path", s."__position"${order}
    FROM (${scan}) s SEMI JOIN ${keysFrom} k USING (${nameList(shape.key)})`)
  return found(Number(created?.['Count'] ?? 0), files.length)
}

/** Whether so many rows would be scanned that an index is faster. */
function isWorthIndex(files: readonly AddFile[], scannedRowsMax: number): boolean {
  let rows = 0
  for (const { stats } of files) {
    rows += parseStats(stats)?.numRecords ?? 0
    if (rows > scannedRowsMax) return true
  }
  return false
}

/** The Parquet columns outside the Delta schema that keep each row's place in the landing (design §4). */
export const placeColumns = [
  { name: '__file', type: 'string' },
  { name: '__row', type: 'long' },
] as const

async function createEmpty(engine: Engine, shape: TableShape): Promise<number> {
  const key = shape.key.map((name) => `NULL::${keyType(shape, name)} AS ${quoteName(name)}`)
  await engine.run(`CREATE OR REPLACE TEMP TABLE located AS SELECT ${key.join(', ')},
    NULL::VARCHAR AS "__path", NULL::BIGINT AS "__position", NULL::VARCHAR AS "__file", NULL::BIGINT AS "__row",
    ${shape.sequence === undefined ? 'NULL::VARCHAR' : `NULL::${keyType(shape, shape.sequence)}`} AS "__seq" LIMIT 0`)
  return 0
}

function keyType(shape: TableShape, name: string): string {
  return duckdbType(fieldOf(shape, name).type)
}

const PLACES_INLINE_MAX = 200

/** SELECT over `located`, or a relation like it, with `__phase` and `__place`: both follow from the name of the landing file. */
export async function rankedSql(engine: Engine, relation = 'located'): Promise<string> {
  const files = await engine.all(`SELECT DISTINCT "__file" AS file FROM ${relation} WHERE "__file" IS NOT NULL`)
  const places = files.map(({ file }) => {
    const place = placeOf(String(file))
    return [String(file), phaseOf(place), place] as const
  })
  // By another engine's rewrite no row knows its place any more.
  if (places.length === 0) return `SELECT *, NULL::INTEGER AS "__phase", NULL::VARCHAR AS "__place" FROM ${relation}`
  return `SELECT l.*, p.phase AS "__phase", p.place AS "__place" FROM ${relation} l LEFT JOIN ${await placesSql(engine, places)} p
    ON p.file = l."__file"`
}

/** A few places are written into the query: a statement costs more than what it says. */
async function placesSql(engine: Engine, places: readonly (readonly [string, number, string])[]): Promise<string> {
  if (places.length <= PLACES_INLINE_MAX) {
    const rows = places.map(([file, phase, place]) => `(${quoteText(file)}, ${phase}, ${quoteText(place)})`)
    return `(SELECT * FROM (VALUES ${rows.join(', ')}) v(file, phase, place))`
  }
  await engine.run('CREATE OR REPLACE TEMP TABLE places (file VARCHAR, phase INTEGER, place VARCHAR)')
  await engine.append('places', ['file', 'phase', 'place'], places)
  return 'places'
}
