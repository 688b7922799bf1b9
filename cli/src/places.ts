import { join } from 'node:path'

/** The folder of this workspace, from `src/` and from the bundle in `dist/` alike: both lie directly in it. */
export const CLI_FOLDER: URL = new URL('..', import.meta.url)

/** Where things are kept that can be made anew: `$XDG_CACHE_HOME/tributary`, or `~/.cache/tributary`. Undefined where nobody says where caches are. */
export function cacheFolder({ XDG_CACHE_HOME, HOME }: NodeJS.ProcessEnv): string | undefined {
  const caches = XDG_CACHE_HOME?.startsWith('/')
    ? XDG_CACHE_HOME
    : HOME === undefined
      ? undefined
      : join(HOME, '.cache')
  return caches === undefined ? undefined : join(caches, 'tributary')
}
