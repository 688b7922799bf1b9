// How people and table properties name a column: names joined by dots lead into records, and a name that holds a dot, a comma or a
// backtick itself stands in backticks, doubled inside, as Spark writes it. `a.b` is the field b of a; `` `a.b` `` is one column.

import type { DataType, StructField } from './schema.ts'

/** The names on the way to a column; undefined where the text names none. */
export function parseColumnPath(text: string): readonly string[] | undefined {
  const paths = splitPaths(text, false)
  return paths?.length === 1 ? paths[0] : undefined
}

/** The columns of a list with commas, as `delta.dataSkippingStatsColumns` holds it; undefined where it is none. */
export function parseColumnPaths(text: string): readonly (readonly string[])[] | undefined {
  return text.trim() === '' ? [] : splitPaths(text, true)
}

/** A path as `parseColumnPath` reads it. */
export function formatColumnPath(path: readonly string[]): string {
  return path.map((name) => (/^\w+$/.test(name) ? name : `\`${name.replaceAll('`', '``')}\``)).join('.')
}

/** The fields on the way to a column, found without regard to case through records only; undefined where there is none. */
export function findPath(type: DataType, path: readonly string[]): readonly StructField[] | undefined {
  const found: StructField[] = []
  let inner = type
  for (const name of path) {
    const fields = typeof inner !== 'string' && inner.type === 'struct' ? inner.fields : []
    const field = fields.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase())
    if (field === undefined) return undefined
    found.push(field)
    inner = field.type
  }
  return found.length === 0 ? undefined : found
}

function splitPaths(text: string, isList: boolean): readonly (readonly string[])[] | undefined {
  const name = isList ? /\s*(?:`((?:[^`]|``)+)`|([^`.,]+?))\s*([.,]|$)/y : /\s*(?:`((?:[^`]|``)+)`|([^`.]+?))\s*(\.|$)/y
  const paths: string[][] = [[]]
  while (true) {
    const [, quoted, plain, separator] = name.exec(text) ?? []
    const found = quoted?.replaceAll('``', '`') ?? plain
    if (found === undefined) return undefined
    paths.at(-1)?.push(found)
    if (separator === '') return paths
    if (separator === ',') paths.push([])
  }
}
