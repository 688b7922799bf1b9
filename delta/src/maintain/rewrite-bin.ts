import assert from 'node:assert/strict'
import type { Clock } from '../clock.ts'
import type { Engine } from '../duckdb/engine.ts'
import { recordCountUnknown } from '../errors.ts'
import type { Snapshot } from '../log/snapshot.ts'
import type { AddFile } from '../protocol/actions.ts'
import { columnMappingMode } from '../protocol/column-mapping.ts'
import { parseStats } from '../protocol/stats.ts'
import { writeDataFiles } from '../write/data-files.ts'
import { tableFileSettings } from '../write/file-settings.ts'
import type { FilePositions } from '../write/rebase.ts'
import { type CopyShape, deadBefore, orderedRowsSql } from './bin-rows.ts'
import { assertSameRows, type Moved } from './moved-rows.ts'
import type { Bin } from './plan-optimize.ts'

/** What a rewrite works with. */
export interface RewriteParts {
  /** A connection of its own: temporary tables stay on it until the commit is through. */
  readonly engine: Engine
  readonly clock: Clock
  readonly snapshot: Snapshot
  readonly shape: CopyShape
  /** Columns that tell a row from all others. */
  readonly identity?: readonly string[] | undefined
}

/** A bin that was written again. */
export interface RewrittenBin {
  readonly files: readonly AddFile[]
  readonly added: readonly AddFile[]
  /** Where rows of the old files are in the new ones. */
  readonly carry: (rows: readonly FilePositions[]) => Promise<readonly FilePositions[]>
  /** Proves that rows which were carried are where `carry` said. */
  readonly settle?: () => Promise<void>
}

/** Write the live rows of a bin into one file, in their order. */
export async function rewriteBin(parts: RewriteParts, { files }: Bin): Promise<RewrittenBin> {
  const relation = await orderedRowsSql(parts.engine, parts.snapshot, files, parts.shape)
  const added = await writeRows(parts, relation, files)
  assert(added.length <= 1, 'without partitions and a size, DuckDB writes one file')
  assertWhole(files, added)
  const [target] = added
  let unproved: readonly Moved[] = []
  return {
    files,
    added,
    carry: async (rows) => {
      const moved = target === undefined ? [] : await followInOrder(parts, files, rows)
      if (target === undefined || moved.length === 0) return []
      unproved = unproved.concat(moved)
      return [{ path: target.path, positions: Float64Array.from(moved, ({ to }) => to) }]
    },
    settle: async () => {
      const moved = unproved
      unproved = []
      if (target !== undefined) await assertSameRows(parts, target, moved)
    },
  }
}

/** Write rows as files of the bin's partition. */
export async function writeRows(
  { engine, clock, snapshot, shape }: RewriteParts,
  relation: string,
  files: readonly AddFile[],
): Promise<readonly AddFile[]> {
  const added = await writeDataFiles(engine, snapshot.store, clock, {
    relation,
    schema: shape.schema,
    partitionColumns: [],
    extraColumns: shape.extraColumns,
    rows: files.reduce((sum, file) => sum + (parseStats(file.stats)?.numRecords ?? 0), 0),
    columnMapping: columnMappingMode(snapshot),
    settings: tableFileSettings(snapshot),
  })
  return added.map((add) => ({ ...add, partitionValues: files[0]?.partitionValues ?? {}, dataChange: false }))
}

/** Rows that went in and rows that came out are counted apart: none may be lost in silence. */
export function assertWhole(files: readonly AddFile[], added: readonly AddFile[]): void {
  const sum = (list: readonly AddFile[]): number =>
    list.reduce((rows, file) => rows + recordsOf(file) - (file.deletionVector?.cardinality ?? 0), 0)
  // Where a writer did not count its rows there is nothing to compare with.
  if (files.some(({ stats }) => parseStats(stats)?.numRecords === undefined)) return
  assert.equal(sum(added), sum(files), 'a rewrite changes no number of rows')
}

function recordsOf({ path, stats }: AddFile): number {
  const records = parseStats(stats)?.numRecords
  if (records === undefined) throw recordCountUnknown(path)
  return records
}

// The new file holds the live rows of the old ones one after another, so places follow by counting.
async function followInOrder(
  parts: RewriteParts,
  files: readonly AddFile[],
  rows: readonly FilePositions[],
): Promise<readonly Moved[]> {
  const wanted = new Map(rows.map(({ path, positions }) => [path, positions]))
  const moved: Moved[] = []
  let start = 0
  for (const file of files) {
    const before = await deadBefore(parts.snapshot, file)
    for (const position of wanted.get(file.path) ?? [])
      moved.push({ file, position, to: start + position - before(position) })
    start += recordsOf(file) - (file.deletionVector?.cardinality ?? 0)
  }
  return moved
}
