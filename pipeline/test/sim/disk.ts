// Where a real DuckDB works, the data files of simulated tables are files of this machine: DuckDB writes and reads them there, and the
// bucket learns of each as soon as its writer asks whether it is there, as S3 would tell.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Store } from '@tributary/delta'
import type { Bucket } from './bucket.ts'

/** Starts with an empty folder. What it returns puts the data files of a store on the disk; `prefix` is the store's place in the bucket. */
export function createDisk(folder: string, bucket: Bucket): (store: Store, prefix: string) => Store {
  rmSync(folder, { recursive: true, force: true })
  const known = new Set<string>()
  const adopt = (key: string, file: string): void => {
    if (known.has(key) || !existsSync(file)) return
    known.add(key)
    bucket.put({ kind: 'put', key, bytes: readFileSync(file), isConditional: false, metadata: {} })
  }
  return ({ remote: _, ...store }, prefix) => ({
    ...store,
    locate: async (path) => {
      const key = `${prefix}/${path}`
      const file = join(folder, key)
      mkdirSync(dirname(file), { recursive: true })
      const object = bucket.objects.get(key)
      // Deleted in the bucket is deleted; and what was put there by a request an engine may want to open, too.
      if (object === undefined && known.has(key)) rmSync(file, { force: true })
      if (object !== undefined && !existsSync(file)) writeFileSync(file, object.bytes)
      return file
    },
    sync: (path) => {
      adopt(`${prefix}/${path}`, join(folder, prefix, path))
      return store.sync(path)
    },
  })
}
