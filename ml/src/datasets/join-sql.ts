// Names and conditions that all joins of features with the spine share.
import { quoteName } from '@tributary/delta'
import type { On } from './definition-schema.ts'

/** The temporary table of the spine; `__n` numbers its rows, and `__at` is the time of each. */
export const SPINE = '__dataset_spine'
export const ROW_NUMBER = '__n'
export const AT = '__at'

/** `s.origin = t.origin AND …` */
export function onSql(on: On, { ours, theirs }: { readonly ours: string; readonly theirs: string }): string {
  return on.map((pair) => `${ours}.${quoteName(pair.ours)} = ${theirs}.${quoteName(pair.theirs)}`).join(' AND ')
}

/** The joined columns of the other table, as a list; `from` is its alias. */
export function theirsSql(on: On, from?: string): string {
  return on.map(({ theirs }) => `${from === undefined ? '' : `${from}.`}${quoteName(theirs)}`).join(', ')
}

/**
 * A time as its microseconds, moved by so many milliseconds. DuckDB adds an interval to a time with a zone by a calendar, which takes as long
 * as a join; a time of day is of no interest here.
 */
export function microsSql(time: string, { plusMs = 0 }: { readonly plusMs?: number } = {}): string {
  const micros = BigInt(Math.round(plusMs)) * 1000n
  return micros === 0n ? `epoch_us(${time})` : `(epoch_us(${time}) + ${micros})`
}
