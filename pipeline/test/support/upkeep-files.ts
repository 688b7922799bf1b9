import type { AddFile, RowOrder } from '@tributary/delta'
import { planUpkeep, type UpkeepPlan } from '../../src/maintain/plan-upkeep.ts'

export const MIB = 1024 * 1024
/** The order of a table whose key is `id`. */
export const BY_ID: RowOrder = { columns: [{ path: ['id'], physicalPath: ['id'], type: 'long' }], curve: 'lexical' }

/** What is worth rewriting of these files. */
export function planOf(files: readonly AddFile[], order?: RowOrder, bytesMax = 512 * MIB): UpkeepPlan {
  const metadata = {
    id: 'a',
    format: { provider: 'parquet', options: {} },
    schemaString: '',
    partitionColumns: [],
    configuration: {},
  }
  return planUpkeep({ files, metadata }, { order, bytesMax })
}

let count = 0

/** A file of a table, without its rows. */
export function fileOf(shape: {
  readonly rows: number
  readonly bytes?: number
  readonly dead?: number
  /** Bytes of vectors that were written for it. */
  readonly spent?: number
  readonly partitionValues?: Readonly<Record<string, string | null>>
  /** Its least and its greatest key. */
  readonly ids?: readonly [number, number]
  /** It says that its rows lie in the order of the key. */
  readonly isSorted?: boolean
}): AddFile {
  const { rows, bytes = rows * 70, dead = 0, spent = 30, partitionValues = {}, ids, isSorted = false } = shape
  count += 1
  const vector = { storageType: 'u', pathOrInlineDv: `v${count}`, sizeInBytes: 30, cardinality: dead } as const
  return {
    path: `part-${count}.parquet`,
    partitionValues,
    size: bytes,
    modificationTime: count,
    dataChange: true,
    stats: JSON.stringify({
      numRecords: rows,
      ...(ids === undefined ? {} : { minValues: { id: ids[0] }, maxValues: { id: ids[1] } }),
    }),
    ...(dead === 0 ? {} : { deletionVector: vector }),
    tags: {
      ...(dead === 0 ? {} : { 'tributary.vectorBytes': String(Math.round(spent)) }),
      ...(isSorted ? { 'tributary.sortedBy': '["id"]' } : {}),
    },
  }
}
