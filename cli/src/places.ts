import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** The folder of this workspace, from `src/` and from the bundle in `dist/` alike: both lie directly in it. */
export const CLI_FOLDER: URL = new URL('..', import.meta.url)

/** Where things are kept that can be made anew: `$XDG_CACHE_HOME/tributary`, or `~/.cache/tributary`. */
export function cacheFolder(environment: Readonly<Record<string, string | undefined>>): string {
  const base = environment['XDG_CACHE_HOME']
  return join(base !== undefined && isAbsolute(base) ? base : join(homedir(), '.cache'), 'tributary')
}
