import { quoteName } from '../duckdb/sql.ts'
import type { AddFile } from '../protocol/actions.ts'
import { liveRows } from '../read/scan.ts'
import type { FilePositions } from '../write/rebase.ts'
import { rowsSql } from './bin-rows.ts'
import { type ClusterColumn, clusterKeySql } from './cluster-key.ts'
import type { Bin } from './plan-optimize.ts'
import { assertWhole, type RewriteParts, type RewrittenBin, writeRows } from './rewrite-bin.ts'

/**
 * Write the live rows of a bin in the order of a clustering key, as files of about the target's size; without columns in the order of
 * their files, as one file.
 */
export async function clusterBin(
  parts: RewriteParts,
  bin: Bin,
  { columns, targetBytes }: { readonly columns: readonly ClusterColumn[]; readonly targetBytes: number },
): Promise<RewrittenBin> {
  const { engine, snapshot, shape } = parts
  const live = await Promise.all(bin.files.map(async (file) => ({ file, rows: await liveRows(snapshot.store, file) })))
  const rows = await rowsSql(engine, snapshot, live, shape)
  const order = [...(await clusterKeySql(engine, rows, columns)), 'r."__path"', 'r."__position"']
  // The sorted rows lie in a temporary table, which spills to disk: its row numbers say where each row went.
  await engine.run('DROP TABLE IF EXISTS clustered')
  // Its columns have names of ours: one of the table's that is called `rowid` would hide the row numbers.
  const columnNames = [...shape.schema.fields, ...shape.extraColumns].map(({ name }) => quoteName(name))
  const renamed = columnNames.map((name, index) => `r.${name} AS c${index}`)
  await engine.run(`CREATE TEMP TABLE clustered AS SELECT ${renamed.join(', ')}, r."__path" AS path, r."__position" AS position
    FROM (${rows}) r ORDER BY ${order.join(', ')}`)
  const [counted] = await engine.all('SELECT count(*) AS n FROM clustered')
  const count = Number(counted?.['n'] ?? 0)
  const pieces = columns.length === 0 ? 1 : Math.max(1, Math.round(bin.liveBytes / targetBytes))
  const rowsAPiece = Math.max(1, Math.ceil(count / pieces))
  const named = columnNames.map((name, index) => `c${index} AS ${name}`).join(', ')
  const added: AddFile[] = []
  for (let start = 0; start < count; start += rowsAPiece) {
    const piece = `SELECT ${named} FROM clustered WHERE clustered.rowid >= ${start} AND clustered.rowid < ${start + rowsAPiece} ORDER BY clustered.rowid`
    added.push(...(await writeRows(parts, piece, bin.files)))
  }
  assertWhole(bin.files, added)
  return { files: bin.files, added, carry: (moved) => carryByPlace(parts, added, { moved, rowsAPiece }) }
}

async function carryByPlace(
  parts: RewriteParts,
  added: readonly AddFile[],
  { moved, rowsAPiece }: { readonly moved: readonly FilePositions[]; readonly rowsAPiece: number },
): Promise<readonly FilePositions[]> {
  const { engine } = parts
  const list = `wanted_${parts.clock.uuid().replaceAll('-', '')}`
  await engine.run(`CREATE TEMP TABLE ${quoteName(list)} (path VARCHAR, position BIGINT)`)
  await engine.append(
    list,
    ['path', 'position'],
    moved.flatMap(({ path, positions }) => Array.from(positions, (position) => [path, BigInt(position)] as const)),
  )
  const found = await engine.all(`SELECT c.rowid AS place FROM clustered c
    SEMI JOIN ${quoteName(list)} w ON c.path = w.path AND c.position = w.position ORDER BY 1`)
  const places = found.map((row) => Number(row['place']))
  return added.map(({ path }, piece) => ({
    path,
    positions: Float64Array.from(
      places.filter((place) => Math.floor(place / rowsAPiece) === piece).map((place) => place - piece * rowsAPiece),
    ),
  }))
}
