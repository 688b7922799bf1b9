// What was decided becomes files: the new rows in a file of their own, and of the files that hold the old ones either a
// deletion vector or, without these rows, a new version. Small files are cheaper to write anew than to read for ever, and
// delta-rs stops answering at 512 files with vectors (decision 7).
import assert from 'node:assert/strict'
import {
  type Action,
  type AddFile,
  deletionVectorActions,
  type Engine,
  type FileDeletions,
  parseStats,
  quoteText,
  removeOf,
  type Snapshot,
  scanSql,
  writeDataFiles,
} from '@tributary/delta'
import { nameList, type TableShape } from './batch.ts'
import type { BatchOutcome } from './decide.ts'
import { type Located, placeColumns } from './locate.ts'
import type { UpsertParts, UpsertTarget } from './target.ts'

/** Files that were written and the actions that put them in the place of others. */
export interface WrittenOutcome {
  readonly actions: readonly Action[]
  readonly added: readonly AddFile[]
}

/** Writes the applied rows (a SELECT, or files that are being written) and takes the rows that they replace out of their files. */
export async function writeOutcome(
  parts: UpsertParts,
  target: UpsertTarget,
  {
    rows,
    outcome,
    located,
  }: { readonly rows: string | Promise<readonly AddFile[]>; readonly outcome: BatchOutcome; readonly located: Located },
): Promise<WrittenOutcome> {
  const { snapshot } = target
  const deletions =
    snapshot === undefined ? [] : await findDoomed(parts.engine, { ...target, snapshot }, { outcome, located })
  const rewritten =
    target.write === 'copy-on-write'
      ? deletions
      : chooseRewritten(snapshot?.files ?? [], deletions, { target, outcome })
  const marked = deletions.filter((deletion) => !rewritten.includes(deletion))
  const relations = await relationsOf(parts, target, { rows, rewritten })
  // The vectors are written while DuckDB writes the rows. Both must have ended before an error rises: the caller then
  // discards what they wrote.
  const [vectors, files, before] = await Promise.allSettled([
    deletionVectorActions(parts.store, parts.clock, marked),
    writeRows(parts, target, relations),
    typeof rows === 'string' ? [] : rows,
  ])
  if (vectors.status === 'rejected') throw vectors.reason
  if (files.status === 'rejected') throw files.reason
  if (before.status === 'rejected') throw before.reason
  const added = [...before.value, ...files.value]
  assertAllWritten(added, outcome, rewritten)
  const removed = rewritten.map(({ file }) => ({ remove: removeOf(file, parts.clock.now()) }))
  return { actions: [...added.map((add) => ({ add })), ...removed, ...vectors.value], added }
}

/** The stored rows that leave, by file. */
async function findDoomed(
  engine: Engine,
  target: UpsertTarget & { readonly snapshot: Snapshot },
  { outcome: { updated, deleted }, located }: { readonly outcome: BatchOutcome; readonly located: Located },
): Promise<readonly Deletions[]> {
  if (updated + deleted === 0) return []
  // Without the guard nothing stands in a change's way: every row that was found leaves.
  const known = target.guard ? undefined : located.indexed?.positions
  const byPath = known ?? (await readDoomed(engine, doomedSql(target)))
  if (known !== undefined) {
    const count = [...known.values()].reduce((sum, { length }) => sum + length, 0)
    assert.equal(count, updated + deleted, 'a row that is counted as replaced must be one that was found')
  }
  return target.snapshot.files.flatMap((file) => {
    const positions = byPath.get(file.path)
    return positions === undefined || positions.length === 0 ? [] : [{ file, positions }]
  })
}

async function readDoomed(engine: Engine, sql: string): Promise<ReadonlyMap<string, readonly number[]>> {
  const paths = (await engine.all('SELECT DISTINCT "__path" AS path FROM located ORDER BY 1')).map(({ path }) =>
    String(path),
  )
  if (paths.length === 0) return new Map()
  const numbers = paths.map((path, number) => `(${quoteText(path)}, ${number})`).join(', ')
  const dead: number[][] = paths.map(() => [])
  // As numbers: a text a row would take longer than all the rest.
  const rows = engine.streamVectors(`SELECT p.number::UBIGINT, "__position"::UBIGINT
    FROM (${sql}) JOIN (VALUES ${numbers}) p(path, number) ON p.path = "__path"`)
  for await (const part of rows) {
    const [files, positions] = [part.numbers(0), part.numbers(1)]
    for (let at = 0; at < part.rowCount; at++) dead[Number(files[at])]?.push(Number(positions[at]))
  }
  return new Map(paths.map((path, number) => [path, dead[number] ?? []]))
}

/** Far below the 512 at which delta-rs 1.6.6 hangs, and enough that a table of few large files never gets there. */
export const VECTOR_FILES_MAX = 100
// Cost follows the batch: beyond a floor, so many rows for each row that the batch writes anyway.
const REWRITTEN_ROWS_MIN = 10_000
const REWRITTEN_ROWS_A_ROW = 10

/**
 * Once too many live files have vectors, the smallest of these, touched or not: all at once, so that it does not have to be
 * done again soon.
 */
function chooseRewritten(
  files: readonly AddFile[],
  deletions: readonly Deletions[],
  { target, outcome }: { readonly target: UpsertTarget; readonly outcome: BatchOutcome },
): readonly Deletions[] {
  const touched = new Set(deletions.map(({ file }) => file))
  const others = files.filter((file) => file.deletionVector !== undefined && !touched.has(file))
  if (deletions.length === 0 || others.length + deletions.length <= (target.vectorFilesMax ?? VECTOR_FILES_MAX))
    return []
  let budget = Math.max(REWRITTEN_ROWS_MIN, REWRITTEN_ROWS_A_ROW * (outcome.inserted + outcome.updated))
  return (
    [...deletions, ...others.map((file) => ({ file, positions: [] }))]
      .map((deletion) => ({ deletion, kept: keptRows(deletion) }))
      // A file of which nothing is left is removed, and one without a count of its rows could lose some unseen.
      .flatMap(({ deletion, kept }) => (kept === undefined || kept === 0 ? [] : [{ deletion, kept }]))
      .toSorted((a, b) => a.kept - b.kept)
      .filter(({ kept }) => {
        budget -= kept
        return budget >= 0
      })
      .map(({ deletion }) => deletion)
  )
}

type Deletions = FileDeletions & { readonly positions: readonly number[] }

/** How many rows of a file stay; undefined when its writer did not count them. */
function keptRows({ file, positions }: Deletions): number | undefined {
  const records = parseStats(file.stats)?.numRecords
  return records === undefined ? undefined : records - (file.deletionVector?.cardinality ?? 0) - positions.length
}

/** The SELECTs to write, a file each. */
async function relationsOf(
  { engine }: UpsertParts,
  target: UpsertTarget,
  {
    rows,
    rewritten,
  }: { readonly rows: string | Promise<readonly AddFile[]>; readonly rewritten: readonly Deletions[] },
): Promise<readonly string[]> {
  const { snapshot, shape, write } = target
  const own = typeof rows === 'string' ? [rows] : []
  if (snapshot === undefined || rewritten.length === 0) return own
  const files = rewritten.map(({ file }) => file)
  const scan = await scanSql(
    engine,
    { ...snapshot, schema: shape.schema },
    { files, withPlace: true, extraColumns: placeColumns },
  )
  const columns = nameList([...shape.schema.fields, ...placeColumns].map(({ name }) => name))
  const kept = `SELECT ${columns} FROM (${scan}) s ANTI JOIN (${doomedSql(target)}) USING ("__path", "__position")`
  // The kept rows of a copy-on-write table may be many: they are not sorted anew.
  if (write === 'copy-on-write') return [...own, kept]
  const all = [...own.map((sql) => `SELECT ${columns} FROM (${sql})`), kept].join(' UNION ALL ')
  return [`SELECT * FROM (${all}) ORDER BY ${nameList(shape.key)}`]
}

// DuckDB's own.
const ROW_GROUP_ROWS = 122_880

/** SQL that sorts rows by key where they may be more than one row group: statistics of a single one are the same in any order. */
export function keyOrderSql({ key }: TableShape, rows: number, alias: string): string {
  return rows <= ROW_GROUP_ROWS ? '' : ` ORDER BY ${nameList(key, alias)}`
}

/** Writes the rows of each SELECT as files of the table. */
export async function writeRows(
  { engine, store, clock }: UpsertParts,
  target: UpsertTarget,
  relations: readonly string[],
  { hasNoNan }: { readonly hasNoNan: boolean } = { hasNoNan: false },
): Promise<readonly AddFile[]> {
  const added: AddFile[] = []
  for (const relation of relations) {
    const files = await writeDataFiles(engine, store, clock, {
      relation,
      schema: target.shape.schema,
      partitionColumns: target.partitionColumns,
      extraColumns: placeColumns,
      settings: target.settings,
      hasNoNan,
    })
    added.push(...files)
  }
  return added
}

/** What was decided and what was written are two queries: they must agree, or rows would be lost in silence. */
function assertAllWritten(
  added: readonly AddFile[],
  { inserted, updated }: BatchOutcome,
  rewritten: readonly Deletions[],
): void {
  const kept = rewritten.map(keptRows)
  if (kept.includes(undefined)) return
  const written = added.reduce((sum, { stats }) => sum + (parseStats(stats)?.numRecords ?? 0), 0)
  const expected = kept.reduce<number>((sum, rows) => sum + (rows ?? 0), inserted + updated)
  assert.equal(written, expected, 'a row that is counted as applied, or stays, must be in a new file')
}

/** The stored rows that leave the table. */
function doomedSql({ guard, shape }: UpsertTarget): string {
  if (!guard) return 'SELECT "__path", "__position" FROM located'
  return `SELECT l."__path", l."__position" FROM located l
    SEMI JOIN (SELECT * FROM decided WHERE "__outcome" = 'applied') d USING (${nameList(shape.key)})`
}
