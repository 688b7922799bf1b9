/**
 * Lets texts keep a U+FEFF at their beginning. DuckDB's package decodes them as if they were whole files, and takes it for a mark of the
 * byte order: a value that begins with one would come out without it.
 */
export async function keepByteOrderMarks(): Promise<void> {
  const { textDecoder } = await import('@duckdb/node-api/lib/vectors/dataAccessors.js')
  const whole = new TextDecoder('utf-8', { ignoreBOM: true })
  textDecoder.decode = (bytes: Uint8Array): string => whole.decode(bytes)
}
