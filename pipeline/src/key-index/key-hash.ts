import { quoteName, quoteText } from '@tributary/delta'
import type { IndexSubject } from './manifest.ts'

// Equal values of these have equal texts; with floating point, zero has two, and NaN many.
const INDEXED = /^(?:string|long|integer|short|byte|boolean|date|timestamp|timestamp_ntz|decimal\(\d+,\d+\))$/

/** Whether keys of that type can be indexed. */
export function isIndexable(type: string): boolean {
  return INDEXED.test(type)
}

/** SQL of a key's hash over the relation `alias`, a UHUGEINT. Equal keys have equal hashes; that others do is as likely as that MD5 fails by chance. */
export function hashSql(key: IndexSubject['key'], salt: string, alias: string): string {
  const texts = key.map(([name]) => `CAST(${alias}.${quoteName(name)} AS VARCHAR)`)
  const [only = ''] = texts
  // With its length in front, no part can take over what belongs to the next.
  const text = texts.length === 1 ? only : texts.map((part) => `strlen(${part}) || ':' || ${part}`).join(' || ')
  return `md5_number(${quoteText(salt)} || ${text})`
}

/** SQL of the two halves of a hash `h`, as the columns `hi` and `lo`. */
export const HALVES = '(h >> 64)::UBIGINT AS hi, (h & 18446744073709551615::UHUGEINT)::UBIGINT AS lo'
