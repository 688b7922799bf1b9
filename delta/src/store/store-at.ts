import { fileURLToPath } from 'node:url'
import { type Clock, systemClock } from '../clock.ts'
import { localStore } from './local.ts'
import { isS3Url } from './s3/url.ts'
import { s3Store } from './s3.ts'
import type { Store } from './store.ts'

/** The store at a path, a `file://` URL or `s3://bucket/prefix`; nothing is read or written yet. Throws `S3_URL_INVALID`. */
export function storeAt(url: string, clock: Clock = systemClock): Store {
  if (isS3Url(url)) return s3Store(url, undefined, clock)
  return localStore(url.startsWith('file:') ? fileURLToPath(url) : url, clock)
}
