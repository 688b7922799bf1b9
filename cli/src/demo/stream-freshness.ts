// How fresh the tables were, from what S3 and the tables themselves say: when S3 answered the put of a file, when it wrote the commit that
// holds the file, and in between, when the worker began to look, which it writes into each commit.
import { commitInfoOf, readCommits, type Store } from '@tributary/delta'
import { demoFailed } from '../errors.ts'

/** A file that was put, in the order of its table. */
export interface PutFile {
  readonly key: string
  /** When S3 had answered. */
  readonly putMs: number
}

/** How long one file took, in milliseconds. */
export interface Freshness {
  readonly queueMs: number
  readonly mergeMs: number
  readonly totalMs: number
}

/** The way of each file of one table into it. `commitMs` tells when S3 wrote a version. Throws `DEMO_FAILED` where a file is in no commit. */
export async function readFreshness(
  store: Store,
  files: readonly PutFile[],
  commitMs: ReadonlyMap<number, number>,
): Promise<readonly Freshness[]> {
  const found: Freshness[] = []
  const waiting = [...files]
  const toVersion = Math.max(-1, ...commitMs.keys())
  for await (const { version, actions } of readCommits(store, { fromVersion: 0, toVersion })) {
    const info = commitInfoOf(actions)
    const durableMs = commitMs.get(version)
    if (info?.operation !== 'UPSERT' || durableMs === undefined) continue
    const pickedUpMs = parsePickedUp(info.userMetadata)
    // Files of a table are taken in by their names, and were put in that order: a commit's are the next ones.
    for (const { putMs } of waiting.splice(0, Number(info.operationParameters?.['fileCount'])))
      found.push({ queueMs: pickedUpMs - putMs, mergeMs: durableMs - pickedUpMs, totalMs: durableMs - putMs })
  }
  const [missing] = waiting
  if (missing !== undefined) throw demoFailed(`${missing.key} is in no commit`)
  return found
}

function parsePickedUp(userMetadata: string | undefined): number {
  const { pickedUpAt = '' } = JSON.parse(userMetadata ?? '{}') as { readonly pickedUpAt?: string }
  return Date.parse(pickedUpAt)
}

/** The value that so many of all are not above. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}
