import { fileURLToPath } from 'node:url'
import { decodePath } from '../protocol/paths.ts'
import type { Store } from '../store/store.ts'

/** The name by which DuckDB opens a file of the log, which may lie outside of the table. */
export async function locateFile(store: Store, logPath: string): Promise<string> {
  const decoded = decodePath(logPath)
  if (decoded.kind === 'relative') return store.locate(decoded.path)
  return decoded.url.startsWith('file:') ? fileURLToPath(decoded.url) : decoded.url
}
