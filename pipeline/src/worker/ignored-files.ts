import type { Listing } from './listing.ts'

/** Files of the landing that are not taken in, all for one reason. */
export interface IgnoredFiles {
  readonly why: string
  readonly files: number
  /** The last of them by name. */
  readonly last: string
}

/** Law 7: what is left out is told, reason by reason; but what DMS writes beside its tables is not worth a word. */
export function groupIgnored({ ignored }: Pick<Listing, 'ignored'>): readonly IgnoredFiles[] {
  const groups = new Map<string, IgnoredFiles>()
  for (const { key, why, isExpected } of ignored) {
    if (isExpected) continue
    const { files, last } = groups.get(why) ?? { files: 0, last: key }
    groups.set(why, { why, files: files + 1, last: key > last ? key : last })
  }
  return [...groups.values()].sort((a, b) => (a.why < b.why ? -1 : 1))
}
