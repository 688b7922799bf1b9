// PROTOCOL.md, "Delta Log Entries". Exactly twenty digits: a stray `9.json` is no commit.

/** What a file in `_delta_log` is, by its name alone. */
export type LogFile =
  | { readonly kind: 'commit'; readonly version: number }
  | { readonly kind: 'checkpoint'; readonly version: number; readonly part: number; readonly parts: number }
  /** A checkpoint of the second kind, under a name that only readers of the v2Checkpoint feature look for. */
  | { readonly kind: 'uuid-checkpoint'; readonly version: number }
  /** PROTOCOL.md, "Log Compaction Files": stands for the commits from `version` to `toVersion`. */
  | { readonly kind: 'compaction'; readonly version: number; readonly toVersion: number }

export const LOG_FOLDER = '_delta_log/'
export const LAST_CHECKPOINT = `${LOG_FOLDER}_last_checkpoint`
export const SIDECAR_FOLDER = `${LOG_FOLDER}_sidecars/`

/** The kind of a log file; undefined for everything that replay does not need. */
export function parseLogFileName(path: string): LogFile | undefined {
  const name = path.startsWith(LOG_FOLDER) ? path.slice(LOG_FOLDER.length) : path
  const commit = /^(\d{20})\.json$/.exec(name)
  if (commit) return { kind: 'commit', version: Number(commit[1]) }
  const classic = /^(\d{20})\.checkpoint\.parquet$/.exec(name)
  if (classic) return { kind: 'checkpoint', version: Number(classic[1]), part: 1, parts: 1 }
  const multi = /^(\d{20})\.checkpoint\.(\d{10})\.(\d{10})\.parquet$/.exec(name)
  if (multi) return { kind: 'checkpoint', version: Number(multi[1]), part: Number(multi[2]), parts: Number(multi[3]) }
  const [, from, to] = /^(\d{20})\.(\d{20})\.compacted\.json$/.exec(name) ?? []
  if (from !== undefined && Number(to) > Number(from))
    return { kind: 'compaction', version: Number(from), toVersion: Number(to) }
  const uuid = /^(\d{20})\.checkpoint\.[0-9a-fA-F-]{36}\.(?:json|parquet)$/.exec(name)
  return uuid ? { kind: 'uuid-checkpoint', version: Number(uuid[1]) } : undefined
}

/** The path of the commit of a version. */
export function commitPath(version: number): string {
  return `${LOG_FOLDER}${padVersion(version)}.json`
}

/** The path of the classic checkpoint of a version. */
export function checkpointPath(version: number): string {
  return `${LOG_FOLDER}${padVersion(version)}.checkpoint.parquet`
}

/** A listing that starts after this sees all files of the version and later ones. */
export function beforeVersion(version: number): string {
  return `${LOG_FOLDER}${padVersion(version)}`
}

function padVersion(version: number): string {
  return String(version).padStart(20, '0')
}
