import { fileURLToPath } from 'node:url'
import { type Clock, systemClock } from '../clock.ts'
import { localStore } from './local.ts'
import type { S3Options } from './s3/connect.ts'
import { isS3Url } from './s3/url.ts'
import { s3Store } from './s3.ts'
import type { Store } from './store.ts'

/**
 * The store at a path, a `file://` URL or `s3://bucket/prefix`; nothing is read or written yet. Stores that are given the same `s3` object
 * share connections and credentials. Throws `S3_URL_INVALID`.
 */
export function storeAt(url: string, clock: Clock = systemClock, s3?: S3Options): Store {
  if (isS3Url(url)) return s3Store(url, s3, clock)
  return localStore(url.startsWith('file:') ? fileURLToPath(url) : url, clock)
}
