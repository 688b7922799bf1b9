import { s3UrlInvalid } from '../../errors.ts'

/** A bucket and what all keys of a store begin with: empty, or with a slash at its end. */
export interface S3Place {
  readonly bucket: string
  readonly prefix: string
}

/** Whether text names a place in S3; `s3a` is Hadoop's word for the same. */
export function isS3Url(text: string): boolean {
  return /^s3a?:\/\//i.test(text)
}

/** Take `s3://bucket/prefix` apart; nothing in it is URI-encoded. Throws `S3_URL_INVALID`. */
export function parseS3Url(url: string): S3Place {
  const [, bucket = '', path = ''] = /^s3a?:\/\/([^/]*)\/?(.*)$/is.exec(url) ?? []
  const prefix = path.replace(/\/$/, '')
  // DuckDB takes what follows a question mark for options of its own.
  const isPlain = prefix === '' || !prefix.split('/').some((part) => /^\.{0,2}$|[\0?]/.test(part))
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{2,254}$/.test(bucket) || !isPlain) throw s3UrlInvalid(url)
  return { bucket, prefix: prefix === '' ? '' : `${prefix}/` }
}
