// Which rows go into which part, decided by each row alone: by its time, or by md5 of a key, so that a row stays where it is when others come.
import { quoteName, quoteText } from '@tributary/delta'
import type { Definition, Split } from './definition.ts'
import { AT } from './join-sql.ts'

/** Names of the parts, in order. */
export function partsOf(split: Split): readonly string[] {
  return split.kind === 'none' ? ['all'] : split.parts.map(({ name }) => name)
}

/** Parts that rows fall into which belong to none: `purged` lies in the gap before a part, `outside` after the last. */
export const LEFT_OUT = ['purged', 'outside'] as const

/** SQL of the name of a row's part. */
export function splitSql(split: Split): string {
  switch (split.kind) {
    case 'none':
      return `'all'`
    case 'time':
      return timeSql(split)
    case 'hash':
      return hashSql(split)
  }
}

// The label of a row is known only some time after the row. Where that reaches past the start of the next part, the row would tell of it.
function timeSql({ parts, gapMs }: Extract<Split, { kind: 'time' }>): string {
  const cases = parts.map(({ name, beforeMs }, index) => {
    const isLast = index === parts.length - 1
    const at = quoteName(AT)
    const inside = `WHEN ${at} < ${timeLiteral(beforeMs - (isLast ? 0 : gapMs))} THEN ${quoteText(name)}`
    return isLast ? inside : `${inside} WHEN ${at} < ${timeLiteral(beforeMs)} THEN 'purged'`
  })
  return `CASE ${cases.join(' ')} ELSE 'outside' END`
}

function hashSql({ parts, salt, key }: Extract<Split, { kind: 'hash' }>): string {
  const bucket = bucketSql(salt, key)
  let sum = 0
  const cases = parts.slice(0, -1).map(({ name, share }) => {
    sum += share
    return `WHEN ${bucket} < ${boundOf(sum)} THEN ${quoteText(name)}`
  })
  const last = quoteText(parts.at(-1)?.name ?? '')
  return cases.length === 0 ? last : `CASE ${cases.join(' ')} ELSE ${last} END`
}

const SAMPLE_SALT = 'tributary sample'

/** SQL of whether a row is kept, and of the weight that makes up for the rows that are not; the weight is undefined where all are kept. */
export function sampleSql({ sample, spine }: Definition): {
  readonly keep: string
  readonly weight: string | undefined
} {
  const { keep, negatives } = sample
  if (keep === 1 && negatives === 1) return { keep: 'true', weight: undefined }
  const isNegative =
    spine.label === undefined ? 'false' : `coalesce(CAST(${quoteName(spine.label)} AS DOUBLE) = 0, false)`
  const bucket = bucketSql(SAMPLE_SALT, spine.key)
  const isKept = (share: number): string => (share === 1 ? 'true' : `${bucket} < ${boundOf(share)}`)
  return {
    keep: `CASE WHEN ${isNegative} THEN ${isKept(keep * negatives)} ELSE ${isKept(keep)} END`,
    weight: `CASE WHEN ${isNegative} THEN ${1 / (keep * negatives)}::DOUBLE ELSE ${1 / keep}::DOUBLE END`,
  }
}

/** SQL of a number below 2^64 that only the salt and the key's text decide. DuckDB's own hash() may change with its version. */
function bucketSql(salt: string, key: readonly string[]): string {
  return `md5_number_upper(${quoteText(`${salt}|`)} || ${keyText(key)})`
}

/** SQL of the key as one text; the separator keeps ('a', 'bc') from being ('ab', 'c'). */
export function keyText(key: readonly string[]): string {
  const texts = key.map((column) => `coalesce(CAST(${quoteName(column)} AS VARCHAR), '')`)
  return `concat_ws(chr(31), ${texts.join(', ')})`
}

const BILLION = 1_000_000_000

function boundOf(share: number): string {
  const bound = (BigInt(Math.round(share * BILLION)) << 64n) / BigInt(BILLION)
  return `${bound}::HUGEINT`
}

function timeLiteral(ms: number): string {
  return `TIMESTAMPTZ ${quoteText(new Date(ms).toISOString())}`
}
