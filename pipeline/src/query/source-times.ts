import { readCommits, type Store } from '@tributary/delta'
import { parseCommitTimes } from '../ledger/commit-times.ts'
import { parseTime } from './time-text.ts'

/**
 * What commits tell of the source's clock, by version: when it committed the newest change that they had taken in, as
 * `2026-01-31T23:59:59.123456Z`.
 * Commits that tell nothing, or are no longer there, are left out.
 */
export async function readSourceTimes(
  store: Store,
  range: { readonly fromVersion: number; readonly toVersion: number },
): Promise<ReadonlyMap<number, string>> {
  const times = new Map<number, string>()
  // A checkpoint keeps a version readable when log cleanup has taken its commit.
  const first = `_delta_log/${String(range.fromVersion).padStart(20, '0')}.json`
  if ((await store.stat(first)) === undefined) return times
  for await (const { version, actions } of readCommits(store, range)) {
    for (const action of actions) {
      const text = 'commitInfo' in action ? parseCommitTimes(action.commitInfo.userMetadata).sourceAt : undefined
      const time = text === undefined ? undefined : utcText(text)
      if (time !== undefined) times.set(version, time)
    }
  }
  return times
}

/** A time as it is written everywhere; DMS writes none of zone and T. Whatever else stands there tells nothing. */
function utcText(text: string): string | undefined {
  const ms = parseTime(text)
  if (ms === undefined) return undefined
  const [, fraction = ''] = /\.(\d{1,6})/.exec(text) ?? []
  return `${new Date(ms).toISOString().slice(0, 19)}.${fraction.padEnd(6, '0')}Z`
}
