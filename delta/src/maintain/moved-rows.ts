// Rows that a rewrite moved and that others deleted meanwhile: they are deleted where they are now.

import assert from 'node:assert/strict'
import type { Engine } from '../duckdb/engine.ts'
import { quoteName } from '../duckdb/sql.ts'
import type { Snapshot } from '../log/snapshot.ts'
import type { AddFile } from '../protocol/actions.ts'
import { type CopyShape, rowsSql } from './bin-rows.ts'

/** A row of an old file, and where it is in the new one. */
export interface Moved {
  readonly file: AddFile
  readonly position: number
  readonly to: number
}

/**
 * The order of a file rests on DuckDB's word; a row marked in the wrong place would be lost, so each is looked at: at the columns of
 * `identity`, at all where they are not given.
 */
export async function assertSameRows(
  parts: {
    readonly engine: Engine
    readonly snapshot: Snapshot
    readonly shape: CopyShape
    readonly identity?: readonly string[] | undefined
  },
  target: AddFile,
  moved: readonly Moved[],
): Promise<void> {
  if (moved.length === 0) return
  const shape = parts.identity === undefined ? parts.shape : only(parts.shape, parts.identity)
  const engine = await parts.engine.fork()
  try {
    await engine.run('CREATE TEMP TABLE moved (path VARCHAR, position BIGINT, "to" BIGINT)')
    await engine.append(
      'moved',
      ['path', 'position', 'to'],
      moved.map(({ file, position, to }) => [file.path, BigInt(position), BigInt(to)] as const),
    )
    const rowsOf = (file: AddFile, positions: readonly number[]) => {
      const sorted = positions.toSorted((left, right) => left - right)
      return {
        file,
        rows: { path: file.path, partitionValues: {}, rows: { kind: 'only' as const, positions: sorted } },
      }
    }
    const select = (files: Parameters<typeof rowsSql>[2]): Promise<string> =>
      rowsSql(engine, parts.snapshot, files, shape)
    const byFile = [...Map.groupBy(moved, (row) => row.file)]
    const olds = await select(
      byFile.map(([file, members]) =>
        rowsOf(
          file,
          members.map(({ position }) => position),
        ),
      ),
    )
    const places = moved.map(({ to }) => to)
    const news = await select([rowsOf(target, places)])
    const columns = [...shape.schema.fields, ...shape.extraColumns]
    const rowOf = (side: string): string => `ROW(${columns.map(({ name }) => `${side}.${quoteName(name)}`).join(', ')})`
    const [row] = await engine.all(`SELECT count(*) AS n FROM moved m
      JOIN (${olds}) o ON o."__path" = m.path AND o."__position" = m.position
      JOIN (${news}) n ON n."__position" = m."to" WHERE ${rowOf('o')} IS NOT DISTINCT FROM ${rowOf('n')}`)
    assert.equal(row?.['n'], BigInt(moved.length), 'a rewritten file has its rows where they were put')
  } finally {
    await engine.close()
  }
}

function only(shape: CopyShape, names: readonly string[]): CopyShape {
  const fields = shape.schema.fields.filter(({ name }) => names.includes(name))
  const extraColumns = shape.extraColumns.filter(({ name }) => names.includes(name))
  // Values of partitions are in no file.
  if (fields.length + extraColumns.length === 0) return shape
  return { schema: { type: 'struct', fields }, extraColumns, rowIds: undefined }
}
