import { pathClimbs } from '../errors.ts'

/** Refuse a path that could name something outside of the root, or that no store can spell. Throws `PATH_CLIMBS`. */
export function assertInside(path: string): void {
  // Half a surrogate pair has no UTF-8: a disk would take another name for it, and a bucket cannot be asked.
  const isPlain = path !== '' && !path.includes('\0') && !path.startsWith('/') && path.isWellFormed()
  if (!isPlain || path.split('/').some((part) => part === '' || part === '.' || part === '..')) throw pathClimbs(path)
}

/** Refuse a listing prefix that climbs; an empty one, or one that ends at a slash, is fine. */
export function assertPrefixInside(prefix: string): void {
  const whole = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix
  if (whole === '' && prefix === '') return
  const parts = whole.split('/')
  // The last part is only the beginning of a name, so `.` is legal there.
  const isLegal = !whole.includes('\0') && !whole.startsWith('/') && whole !== ''
  if (!isLegal || parts.some((part) => part === '' || part === '..') || parts.slice(0, -1).includes('.'))
    throw pathClimbs(prefix)
}

// S3 lists keys in UTF-8 order and JavaScript compares UTF-16 units: they disagree past U+FFFF.
/** Order of keys as S3 lists them: by their UTF-8 bytes. */
export function compareKeys(left: string, right: string): number {
  if (left === right) return 0
  const length = Math.min(left.length, right.length)
  for (let i = 0; i < length; i++) {
    const a = left.charCodeAt(i)
    const b = right.charCodeAt(i)
    if (a !== b) return liftSurrogate(a) - liftSurrogate(b)
  }
  return left.length - right.length
}

function liftSurrogate(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}
