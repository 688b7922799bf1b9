import { execFile } from 'node:child_process'

/** The commit that definitions lie in, and whether they differ from it. */
export interface GitState {
  readonly commit: string
  readonly dirty: boolean
}

const WAIT_MS_MAX = 10_000

/**
 * Asks git once about some paths of a folder; a file that is not committed yet makes them dirty too. Undefined where there is no repository,
 * no commit or no git: a dataset is as good without.
 */
export function readGitState(folder: string, paths: readonly string[]): Promise<GitState | undefined> {
  // A dataset must not run what a repository configures, nor wait for its locks.
  const settings = ['-c', 'core.fsmonitor=false', '--no-optional-locks']
  const args = [...settings, 'status', '--porcelain=v2', '--branch', '--untracked-files=all', '--', ...paths]
  return new Promise((ended) => {
    execFile('git', args, { cwd: folder, timeout: WAIT_MS_MAX }, (error, text) =>
      ended(error === null ? parseGitState(text) : undefined),
    )
  })
}

function parseGitState(text: string): GitState | undefined {
  const lines = text.split('\n').filter((line) => line !== '')
  const commit = lines
    .map((line) => /^# branch\.oid ([0-9a-f]{40,64})$/.exec(line)?.[1])
    .find((oid) => oid !== undefined)
  return commit === undefined ? undefined : { commit, dirty: lines.some((line) => !line.startsWith('# ')) }
}
