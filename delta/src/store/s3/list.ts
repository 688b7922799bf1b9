import { assertPrefixInside, compareKeys } from '../keys.ts'
import type { StoreEntry } from '../store.ts'
import type { S3Connection } from './connect.ts'
import { wrapS3Error } from './wrap-error.ts'

/** What to list, in paths from the store's root. */
export interface Listing {
  /** What all keys of the store begin with. */
  readonly root: string
  readonly prefix: string
  readonly after: string | undefined
}

/**
 * The objects below a prefix in the order of UTF-8 bytes. AWS lists in that order and its pages are handed on as they come. Other servers
 * sort folder by folder, so theirs are collected first; and where a folder's name is the beginning of another's they skip names when they
 * are to start after one, so that is asked only where names cannot be so: in the log.
 */
export async function* listObjects(connection: S3Connection, listing: Listing): AsyncGenerator<StoreEntry> {
  assertPrefixInside(listing.prefix)
  const isOrdered = connection.isAws && !connection.bucket.endsWith('--x-s3')
  const isAfterAsked = isOrdered || listing.prefix.endsWith('_delta_log/')
  const pages = listPages(connection, { ...listing, after: isAfterAsked ? listing.after : undefined })
  const isWanted = ({ path }: StoreEntry): boolean =>
    !isHidden(path) && (listing.after === undefined || compareKeys(path, listing.after) > 0)
  if (isOrdered) {
    for await (const page of pages) yield* page.filter(isWanted)
    return
  }
  const all = (await Array.fromAsync(pages)).flat().filter(isWanted)
  yield* all.sort((left, right) => compareKeys(left.path, right.path))
}

async function* listPages(
  { sdk, client, bucket }: S3Connection,
  { root, prefix, after }: Listing,
): AsyncGenerator<readonly StoreEntry[]> {
  let token: string | undefined
  do {
    const command: InstanceType<typeof sdk.ListObjectsV2Command> = new sdk.ListObjectsV2Command({
      Bucket: bucket,
      Prefix: `${root}${prefix}`,
      // Keys may hold characters that XML cannot.
      EncodingType: 'url',
      ...(token === undefined && after !== undefined ? { StartAfter: `${root}${after}` } : {}),
      ...(token === undefined ? {} : { ContinuationToken: token }),
    })
    const page = await client.send(command).catch((cause: unknown) => {
      throw wrapS3Error(cause, { bucket, path: prefix, doing: 'list' })
    })
    yield (page.Contents ?? []).flatMap(({ Key = '', Size = 0, ...answer }): readonly StoreEntry[] => {
      const path = decodeKey(Key).slice(root.length)
      // A name that ends in a slash is some program's picture of a folder.
      if (path === '' || path.endsWith('/')) return []
      return [entryOf(path, Size, answer)]
    })
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined
  } while (token !== undefined)
}

function decodeKey(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '))
}

/** What an answer, or a listing, tells of an object. */
export function entryOf(
  path: string,
  sizeBytes: number,
  { LastModified, ETag }: { readonly LastModified?: Date | undefined; readonly ETag?: string | undefined },
): StoreEntry {
  // HEAD gives whole seconds; a listing of some servers has fractions, and one object must have one time.
  const modifiedMs = Math.floor((LastModified?.getTime() ?? 0) / 1000) * 1000
  const entry = { path, sizeBytes, modifiedMs }
  return ETag === undefined ? entry : { ...entry, eTag: ETag }
}

// As on a disk, where names that start with a dot are temporary files.
function isHidden(path: string): boolean {
  return path.split('/').some((part) => part.startsWith('.'))
}
