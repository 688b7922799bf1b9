import type { Engine } from '../duckdb/engine.ts'
import type { Snapshot } from '../log/snapshot.ts'
import type { AddFile } from '../protocol/actions.ts'
import { scanSql } from '../read/scan.ts'
import type { FileDeletions } from './deletion-vector-actions.ts'

/** A SQL condition over the alias `t` of a table's live rows, true for the rows that are looked for. */
export interface RowCondition {
  readonly sql: string
  /**
   * SQL of a SEMI JOIN that comes before the condition. DuckDB tells the scan of its left side what the other side's values are, so that it
   * skips row groups; a subquery in the condition reads them all.
   */
  readonly join?: string
  /** The columns that the condition speaks about. */
  readonly columns: readonly string[]
}

/** The live rows of some files for which a condition is true; files without any are left out. Throws what `scanSql` throws. */
export async function locateRows(
  engine: Engine,
  snapshot: Snapshot,
  files: readonly AddFile[],
  condition: RowCondition,
): Promise<readonly FileDeletions[]> {
  if (files.length === 0) return []
  const rows = await scanSql(engine, snapshot, { files, columns: condition.columns, withPlace: true })
  const places = `SELECT __path, __position FROM (${rows}) t ${condition.join ?? ''} WHERE ${condition.sql}`
  return collectPlaces(engine, files, places)
}

/** Rows of some files by a SELECT of `__path` and `__position`; files without any are left out. */
export async function collectPlaces(
  engine: Engine,
  files: readonly AddFile[],
  places: string,
): Promise<readonly FileDeletions[]> {
  const found = new Map<string, number[]>()
  for await (const batch of engine.stream(places)) {
    const [paths = [], positions = []] = batch.values
    for (let row = 0; row < batch.rowCount; row++) {
      const path = String(paths[row])
      const known = found.get(path)
      if (known === undefined) found.set(path, [Number(positions[row])])
      else known.push(Number(positions[row]))
    }
  }
  return files.flatMap((file) => {
    const positions = found.get(file.path)
    return positions === undefined ? [] : [{ file, positions }]
  })
}
