// Extensions come as files beside the program and are never fetched while it runs: `duckdb-extensions/v1.5.5/linux_amd64/…` in the
// checkout (`make setup` puts it there), in the artefact of a function, or in a folder above. Failing that, DuckDB's own folder of
// what a person has installed is looked at.

import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

const FOLDER = 'duckdb-extensions'
const LEVELS_MAX = 6

/** The folder of extensions that ships with us; undefined where there is none. */
export function extensionFolder(start: string = import.meta.dirname): string | undefined {
  let folder = start
  for (let level = 0; level < LEVELS_MAX; level++) {
    if (existsSync(join(folder, FOLDER))) return join(folder, FOLDER)
    folder = dirname(folder)
  }
  return undefined
}
