import assert from 'node:assert/strict'
import { quoteName } from '../duckdb/sql.ts'
import type { AddFile } from '../protocol/actions.ts'
import { liveRows } from '../read/scan.ts'
import type { FilePositions } from '../write/rebase.ts'
import { rowsSql } from './bin-rows.ts'
import { clusterKeySql, type RowOrder } from './cluster-key.ts'
import { assertSameRows, type Moved } from './moved-rows.ts'
import type { Bin } from './plan-optimize.ts'
import { assertWhole, type RewriteParts, type RewrittenBin, writeRows } from './rewrite-bin.ts'

/**
 * Write the live rows of a bin sorted, as files of about the target's size; without columns in the order of their files, as one file.
 */
export async function clusterBin(
  parts: RewriteParts,
  bin: Bin,
  { order: by, targetBytes }: { readonly order: RowOrder; readonly targetBytes: number },
): Promise<RewrittenBin> {
  const { engine, snapshot, shape } = parts
  const live = await Promise.all(bin.files.map(async (file) => ({ file, rows: await liveRows(snapshot.store, file) })))
  // Its columns have names of ours: one of the table's that is called `rowid` would hide the row numbers.
  const columnNames = [...shape.schema.fields, ...shape.extraColumns].map(({ name }) => quoteName(name))
  const renamed = columnNames.map((name, index) => `r.${name} AS c${index}`)
  const named = columnNames.map((name, index) => `c${index} AS ${name}`).join(', ')
  for (const table of ['gathered', 'clustered']) await engine.run(`DROP TABLE IF EXISTS ${table}`)
  // Both tables spill to disk. To sort what is being read from many files at once takes memory for each of them, and fails where it is short.
  await engine.run(`CREATE TEMP TABLE gathered AS SELECT ${renamed.join(', ')}, r."__path" AS path, r."__position" AS position
    FROM (${await rowsSql(engine, snapshot, live, shape)}) r`)
  const rows = `SELECT ${named}, path AS "__path", position AS "__position" FROM gathered`
  const order = [...(await clusterKeySql(engine, rows, by)), 'r."__path"', 'r."__position"']
  // The row numbers of the sorted rows say where each row went.
  await engine.run(`CREATE TEMP TABLE clustered AS SELECT ${renamed.join(', ')}, r."__path" AS path, r."__position" AS position
    FROM (${rows}) r ORDER BY ${order.join(', ')}`)
  await engine.run('DROP TABLE gathered')
  const [counted] = await engine.all('SELECT count(*) AS n FROM clustered')
  const count = Number(counted?.['n'] ?? 0)
  const pieces = by.columns.length === 0 ? 1 : piecesOf(bin.liveBytes / targetBytes)
  const rowsAPiece = Math.max(1, Math.ceil(count / pieces))
  const added: AddFile[] = []
  for (let start = 0; start < count; start += rowsAPiece) {
    const piece = `SELECT ${named} FROM clustered WHERE clustered.rowid >= ${start} AND clustered.rowid < ${start + rowsAPiece}`
    added.push(...(await writeRows(parts, piece, bin.files)))
  }
  assertWhole(bin.files, added)
  let unproved: readonly Carried[] = []
  return {
    files: bin.files,
    added,
    carry: async (rows) => {
      const carried = await followByPlace(parts, bin.files, { rows, rowsAPiece })
      unproved = unproved.concat(carried)
      return added.map(({ path }, piece) => ({
        path,
        positions: Float64Array.from(carried.filter((row) => row.piece === piece).map(({ to }) => to)),
      }))
    },
    settle: async () => {
      const carried = unproved
      unproved = []
      for (const [piece, target] of added.entries())
        await assertSameRows(
          parts,
          target,
          carried.filter((row) => row.piece === piece),
        )
    },
  }
}

// Of more than one target at least two: one would be too large, and have the range of all its rows.
function piecesOf(targets: number): number {
  return targets <= 1 ? 1 : Math.max(2, Math.round(targets))
}

/** A row that went into one of the new files. */
interface Carried extends Moved {
  readonly piece: number
}

async function followByPlace(
  { engine, clock }: RewriteParts,
  files: readonly AddFile[],
  { rows, rowsAPiece }: { readonly rows: readonly FilePositions[]; readonly rowsAPiece: number },
): Promise<readonly Carried[]> {
  const list = `wanted_${clock.uuid().replaceAll('-', '')}`
  await engine.run(`CREATE TEMP TABLE ${quoteName(list)} (path VARCHAR, position BIGINT)`)
  await engine.append(
    list,
    ['path', 'position'],
    rows.flatMap(({ path, positions }) => Array.from(positions, (position) => [path, BigInt(position)] as const)),
  )
  const found = await engine.all(`SELECT c.path, c.position, c.rowid AS place FROM clustered c
    SEMI JOIN ${quoteName(list)} w ON c.path = w.path AND c.position = w.position ORDER BY place`)
  const wanted = rows.reduce((sum, { positions }) => sum + positions.length, 0)
  assert.equal(found.length, wanted, 'a rewrite copied each row that another one deletes')
  const byPath = new Map(files.map((file) => [file.path, file]))
  return found.flatMap(({ path, position, place }) => {
    const file = byPath.get(String(path))
    if (file === undefined) return []
    const piece = Math.floor(Number(place) / rowsAPiece)
    return [{ file, position: Number(position), to: Number(place) - piece * rowsAPiece, piece }]
  })
}
