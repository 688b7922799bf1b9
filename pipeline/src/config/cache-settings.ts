import { z } from 'zod'

/** What may be kept on this machine, where, and how much of it. */
export interface CacheSettings {
  /** The user's cache folder unless set. */
  readonly folder: string | undefined
  /** Of objects of a bucket; 0: none. */
  readonly sizeMiB: number
  /** Of the key indexes of all tables; 0: none. */
  readonly indexMiB: number
}

const SIZE_MIB = 256
const INDEX_MIB = 16 * 1024
const FOLDER = 'Write the path of a folder'
const MIB = 'Write a number of MiB, 0 for none'

/** `cache:` in `tributary.yaml`. */
export const cacheSettings = z.strictObject(
  {
    folder: z.string(FOLDER).min(1, FOLDER).optional(),
    sizeMiB: z.number(MIB).nonnegative(MIB).default(SIZE_MIB),
    indexMiB: z.number(MIB).nonnegative(MIB).default(INDEX_MIB),
  },
  'Write settings of the cache, such as {folder: /var/cache/tributary, sizeMiB: 1024}',
)

/** Without `cache:`. */
export const CACHE_DEFAULTS: CacheSettings = { folder: undefined, sizeMiB: SIZE_MIB, indexMiB: INDEX_MIB }
