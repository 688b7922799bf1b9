// Where a configuration is: a file, or an object in S3, as a function has it.
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { storeAt } from '@tributary/delta/log'

/** How to reach buckets. */
export type Buckets = Parameters<typeof storeAt>[2]

/** A function that reads the text of a file or of an object. */
export function textReader(buckets?: Buckets): (place: string) => Promise<string> {
  return async (place) => {
    if (!isInBucket(place)) return readFile(place, 'utf8')
    const slash = place.lastIndexOf('/')
    const bytes = await storeAt(place.slice(0, slash), undefined, buckets).read(place.slice(slash + 1))
    return Buffer.from(bytes).toString('utf8')
  }
}

/** The place of a file that a configuration names, relative to its own. */
export function besideConfig(config: string, file: string): string {
  return isInBucket(config) && !file.startsWith('/')
    ? `${config.slice(0, config.lastIndexOf('/'))}/${file}`
    : resolve(dirname(resolve(config)), file)
}

/** Whether a place is in S3. */
export function isInBucket(place: string): boolean {
  return /^s3a?:\/\//i.test(place)
}
