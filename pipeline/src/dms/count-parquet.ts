import { open } from 'node:fs/promises'
import { landingFileCorrupt } from '../errors.ts'
import type { RecordCount } from './count-records.ts'

/** The number of rows that a Parquet file's footer states, read without DuckDB. Throws `LANDING_FILE_CORRUPT`. */
export async function countParquet(key: string, path: string, sizeBytes: number): Promise<RecordCount> {
  // Loaded on use: most landings have no Parquet, and most commands read none.
  const { parquetMetadataAsync } = await import('hyparquet')
  const file = await open(path)
  try {
    const slice = async (start: number, end = sizeBytes): Promise<ArrayBuffer> => {
      const bytes = new ArrayBuffer(end - start)
      const { bytesRead } = await file.read(new Uint8Array(bytes), 0, end - start, start)
      if (bytesRead !== end - start) throw landingFileCorrupt(key, 'the Parquet file ends too early')
      return bytes
    }
    const metadata = await parquetMetadataAsync({ byteLength: sizeBytes, slice })
    const rows = metadata.row_groups.reduce((sum, group) => sum + group.num_rows, 0n)
    if (rows !== metadata.num_rows)
      throw landingFileCorrupt(key, `the Parquet footer counts ${metadata.num_rows} rows and its row groups ${rows}`)
    return {
      records: Number(metadata.num_rows),
      isTerminated: true,
      hasUnclosedQuote: false,
      blankRecords: 0,
      hasBareCarriageReturn: false,
      isUtf8: true,
      hasNul: false,
      byTable: new Map(),
    }
  } catch (cause) {
    throw landingFileCorrupt(
      key,
      `the Parquet footer is damaged (${cause instanceof Error ? cause.message : String(cause)})`,
      { cause },
    )
  } finally {
    await file.close()
  }
}
