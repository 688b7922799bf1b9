import { TributaryError } from '@tributary/delta'

/** One fault of a table. The codes are stable. */
export interface Finding {
  readonly code: string
  readonly message: string
  /** The file it is about, from the table's root. */
  readonly path?: string
}

/** A fault of the bytes is a finding; a store that does not answer, or no table at all, is an error. */
export async function attempt<T>(
  work: () => Promise<T>,
  path?: string,
): Promise<{ readonly value: T } | { readonly finding: Finding }> {
  try {
    return { value: await work() }
  } catch (error) {
    if (!(error instanceof TributaryError) || error.kind === 'unavailable' || error.code === 'TABLE_NOT_FOUND')
      throw error
    return { finding: { code: error.code, message: error.message, ...(path === undefined ? {} : { path }) } }
  }
}
