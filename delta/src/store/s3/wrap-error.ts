import {
  fileNotFound,
  s3AccessDenied,
  s3BucketNotFound,
  s3CredentialsMissing,
  s3CredentialsRefused,
  s3RegionWrong,
  s3Throttled,
  s3Unreachable,
  storeFailed,
  TributaryError,
} from '../../errors.ts'

/** What was asked of a bucket when something failed. */
export interface Asked {
  readonly bucket: string
  /** Path from the store's root, as callers name it. */
  readonly path: string
  readonly doing: string
}

const REFUSED_CREDENTIALS =
  /^(ExpiredToken|InvalidToken|InvalidAccessKeyId|SignatureDoesNotMatch|TokenRefreshRequired|RequestTimeTooSkewed|UnrecognizedClientException)/
const ELSEWHERE = /^(PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException)$/
const SLOW_DOWN = /^(SlowDown|TooManyRequests|Throttl|RequestLimitExceeded|ServiceUnavailable)/

/** The SDK's error as ours. Answers to HEAD have no body, so a status must do where there is no code. */
export function wrapS3Error(cause: unknown, { bucket, path, doing }: Asked): TributaryError {
  if (cause instanceof TributaryError) return cause
  const { name, status } = describeFailure(cause)
  const url = `s3://${bucket}/…/${path}`
  if (name === 'CredentialsProviderError') return s3CredentialsMissing(bucket)
  if (REFUSED_CREDENTIALS.test(name)) return s3CredentialsRefused(bucket, name)
  if (name === 'NoSuchBucket') return s3BucketNotFound(bucket)
  if (ELSEWHERE.test(name) || status === 301) return s3RegionWrong(bucket, bucketRegion(cause))
  if (status === 404) return fileNotFound(path, { cause })
  if (status === 401 || status === 403) return s3AccessDenied(url, doing)
  if (status === 429 || SLOW_DOWN.test(name)) return s3Throttled(url, doing, cause)
  return status === undefined ? s3Unreachable(url, doing, cause) : storeFailed(path, doing, cause)
}

/** The server's code for a failure and its HTTP status; no status when no answer came. */
export function describeFailure(cause: unknown): { readonly name: string; readonly status: number | undefined } {
  if (!(cause instanceof Error)) return { name: '', status: undefined }
  const { status } = parseDetails(cause)
  return { name: cause.name, status }
}

function bucketRegion(cause: unknown): string | undefined {
  return cause instanceof Error ? parseDetails(cause).region : undefined
}

interface Details {
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
  readonly Region?: string
}

function parseDetails(cause: Error): { readonly status: number | undefined; readonly region: string | undefined } {
  const { $metadata, $response, Region } = cause as Details
  return { status: $metadata?.httpStatusCode, region: Region ?? $response?.headers?.['x-amz-bucket-region'] }
}
