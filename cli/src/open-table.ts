import { stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { diskCache } from '@tributary/delta/log'
import { findNamedTable, type Lake, type NamedTable, openLake, readConfig } from '@tributary/pipeline/status'
import { bucketNotYet } from './errors.ts'
import type { Invocation } from './invocation.ts'
import { cacheFolder } from './places.ts'

/** The project file of a folder. */
export const CONFIG_FILE = 'tributary.yaml'
const MIB = 1024 * 1024

/** How to open a project. */
export interface ProjectOptions {
  /** Read everything where it is, also what could be kept on this machine. */
  readonly isUncached?: boolean
}

/** The lake of the project file. Throws `CONFIG_INVALID`, also where there is none. */
export async function openProject(invocation: Invocation, { isUncached }: ProjectOptions = {}): Promise<Lake> {
  const config = await readConfig(placeOf(invocation.flags.config ?? CONFIG_FILE))
  const { folder = cacheFolder(invocation.environment), sizeMiB, indexMiB } = config.cache
  if (isUncached === true || folder === undefined) return openLake(config)
  return openLake(config, {
    ...(indexMiB === 0 ? {} : { index: { folder: join(folder, 'index'), bytesMax: indexMiB * MIB } }),
    ...(sizeMiB === 0 ? {} : { cache: diskCache(join(folder, 'objects'), { bytesMax: sizeMiB * MIB }) }),
  })
}

/** The lake, where there is a project file or one was named. */
export async function openProjectIfAny(
  invocation: Invocation,
  options: ProjectOptions = {},
): Promise<Lake | undefined> {
  if (invocation.flags.config === undefined && !(await isThere(CONFIG_FILE))) return undefined
  return openProject(invocation, options)
}

/** A table by its name in the project, or any Delta table by its path; a path needs no project. Throws `TABLE_UNKNOWN`, `CONFIG_INVALID`. */
export async function openTable(
  invocation: Invocation,
  name: string,
  options: ProjectOptions = {},
): Promise<NamedTable> {
  if (name.startsWith('file://')) return findNamedTable(undefined, fileURLToPath(name))
  if (/^[a-z0-9]+:\/\//i.test(name) && !/^s3a?:/i.test(name)) throw bucketNotYet(name)
  if (name.includes('/')) return findNamedTable(undefined, name)
  const lake = await openProjectIfAny(invocation, options)
  if (lake === undefined && !(await isThere(join(name, '_delta_log'))))
    return findNamedTable(await openProject(invocation), name)
  return findNamedTable(lake, name)
}

/** The folder of the project file, and whether it is one of this machine or a prefix in S3. */
export function projectFolder({ flags }: Invocation): { readonly folder: string; readonly isLocal: boolean } {
  const place = placeOf(flags.config ?? CONFIG_FILE)
  return isInS3(place)
    ? { folder: place.slice(0, place.lastIndexOf('/')), isLocal: false }
    : { folder: dirname(place), isLocal: true }
}

/** A file of this machine, or an object in S3. */
function placeOf(config: string): string {
  return isInS3(config) ? config : resolve(config)
}

function isInS3(place: string): boolean {
  return /^s3a?:\/\//i.test(place)
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
