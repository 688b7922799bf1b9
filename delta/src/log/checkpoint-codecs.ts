import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import type { Compressors } from 'hyparquet'

/** Decompressors for these codecs of a Parquet file. hyparquet itself knows Snappy. */
export async function readCompressors(codecs: ReadonlySet<string>): Promise<Compressors> {
  const common = ['UNCOMPRESSED', 'SNAPPY', ...Object.keys(NATIVE)]
  if ([...codecs].every((codec) => common.includes(codec))) return NATIVE
  // The others are slow to load and nobody writes checkpoints with them by default.
  const { compressors } = await import('hyparquet-compressors')
  return { ...compressors, ...NATIVE }
}

const NATIVE: Compressors = {
  // The limit keeps a hostile page from growing beyond what its header says.
  GZIP: (input, outputLength) => gunzipSync(input, { maxOutputLength: Math.max(1, outputLength) }),
  ZSTD: (input, outputLength) => zstdDecompressSync(input, { maxOutputLength: Math.max(1, outputLength) }),
}
