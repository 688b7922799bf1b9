// The aggregates of a window as a person writes them: `count`, `avg(dep_delay)`, `quantile(dep_delay, 0.9)`.

/** One aggregate of a window. */
export interface Aggregate {
  readonly kind: 'count' | 'sum' | 'avg' | 'var' | 'sd' | 'min' | 'max' | 'last' | 'quantile'
  /** Undefined for `count` of rows. */
  readonly column: string | undefined
  /** For `quantile`: which one, between 0 and 1. */
  readonly at: number | undefined
}

/** Aggregates that are a difference of running sums; the others need the rows themselves. */
export function isRunning({ kind }: Aggregate): boolean {
  return kind === 'count' || kind === 'sum' || kind === 'avg' || kind === 'var' || kind === 'sd'
}

/** What an aggregate may be, for messages. */
export const AGGREGATE_REMEDY =
  'must be count, count(c), sum(c), avg(c), var(c), sd(c), min(c), max(c), last(c), median(c) or quantile(c, 0.9)'

const FORM = /^([a-z]+)(?:\(\s*(?:"([^"]+)"|([A-Za-z_][A-Za-z0-9_]*))\s*(?:,\s*(0?\.\d+|0|1|1\.0))?\s*\))?$/

/** Reads an aggregate; undefined when the text is none. */
export function parseAggregate(text: string): Aggregate | undefined {
  const [, name, quoted, plain, share] = FORM.exec(text.trim()) ?? []
  const column = quoted ?? plain
  if (name === 'count') return share === undefined ? { kind: 'count', column, at: undefined } : undefined
  if (column === undefined) return undefined
  if (name === 'quantile') return share === undefined ? undefined : { kind: 'quantile', column, at: Number(share) }
  if (share !== undefined) return undefined
  switch (name) {
    case 'median':
      return { kind: 'quantile', column, at: 0.5 }
    case 'sum':
    case 'avg':
    case 'var':
    case 'sd':
    case 'min':
    case 'max':
    case 'last':
      return { kind: name, column, at: undefined }
    default:
      return undefined
  }
}
