import { TributaryError } from '@tributary/delta'

/** What DuckDB has against a person's query, in its words; undefined for an error of another kind. */
export function queryFault(error: unknown): string | undefined {
  if (!(error instanceof TributaryError) || error.code !== 'ENGINE_FAILED' || error.kind !== 'invalid') return undefined
  const said = error.cause instanceof Error ? error.cause.message : error.message
  return (said.split('\n')[0] ?? said).replace(/[.!]+$/, '')
}
