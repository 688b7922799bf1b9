import { TributaryError } from '@tributary/delta/log'
import { queueNotFound, queueRefused, queueUnreachable } from '../errors.ts'

const REFUSED =
  /^(AccessDenied|Credentials|ExpiredToken|InvalidClientTokenId|InvalidAccessKeyId|SignatureDoesNotMatch|UnrecognizedClient|InvalidSecurity|KmsAccessDenied)/

/** The SDK's error as ours. */
export function wrapQueueError(cause: unknown, url: string, doing: string): TributaryError {
  if (cause instanceof TributaryError) return cause
  const name = cause instanceof Error ? cause.name : ''
  if (/QueueDoesNotExist|NonExistentQueue/.test(name)) return queueNotFound(url)
  // The cause is left out: providers of credentials quote what they were given.
  if (REFUSED.test(name)) return queueRefused(url, doing, name)
  return queueUnreachable(url, doing, cause)
}
