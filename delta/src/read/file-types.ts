// The types of a file's columns as trees. DuckDB gives them as text, `STRUCT(a INTEGER, "b c" VARCHAR[])`; the text is parsed here,
// and field ids are laid over the tree from the file's own schema where a table finds its columns by them.

import assert from 'node:assert/strict'

/** A type as DuckDB reads it from a Parquet file. */
export type FileType =
  | { readonly kind: 'plain'; readonly name: string }
  | { readonly kind: 'struct'; readonly fields: readonly FileColumn[] }
  | { readonly kind: 'list'; readonly element: FileType }
  | { readonly kind: 'map'; readonly key: FileType; readonly value: FileType }

/** A column of a file, or a field of a struct in one. */
export interface FileColumn {
  readonly name: string
  readonly type: FileType
  /** Parquet's field id, where it was asked for and the file has one. */
  readonly id?: number
}

/** A node of a Parquet schema, as `parquet_schema` lists them depth first. */
export interface SchemaNode {
  readonly name: string
  readonly isRepeated: boolean
  readonly id: number | undefined
  readonly children: readonly SchemaNode[]
}

/** Parse the text that DuckDB gives for a type. */
export function parseFileType(text: string): FileType {
  const [type, rest] = parseLists(text)
  assert(rest === '', `DuckDB spells a type in a way that is not known here: ${text}`)
  return type
}

function parseLists(text: string): readonly [FileType, string] {
  let [type, rest] = parseSingle(text)
  for (let list = LIST.exec(rest); list !== null; list = LIST.exec(rest)) {
    type = { kind: 'list', element: type }
    rest = rest.slice(list[0].length)
  }
  return [type, rest]
}

const LIST = /^\[\d*\]/
// A name of several words, with numbers in parentheses where it has some: `TIMESTAMP WITH TIME ZONE`, `DECIMAL(12,2)`.
const PLAIN = /^"?[A-Za-z_][A-Za-z0-9_]*"?(?: [A-Za-z_]+)*(?:\([^()]*\))?/
const FIELD_NAME = /^(?:"((?:[^"]|"")*)"|([^\s"(),]+)) /

function parseSingle(text: string): readonly [FileType, string] {
  if (text.startsWith('STRUCT(')) return parseFields(text.slice('STRUCT('.length))
  if (text.startsWith('MAP(')) {
    const [key, afterKey] = parseLists(text.slice('MAP('.length))
    const [value, afterValue] = parseLists(skip(afterKey, ', '))
    return [{ kind: 'map', key, value }, skip(afterValue, ')')]
  }
  const name = PLAIN.exec(text)?.[0]
  assert(name !== undefined, `DuckDB spells a type in a way that is not known here: ${text}`)
  return [{ kind: 'plain', name }, text.slice(name.length)]
}

function parseFields(text: string): readonly [FileType, string] {
  const fields: FileColumn[] = []
  let rest = text
  for (;;) {
    const name = FIELD_NAME.exec(rest)
    assert(name !== null, `DuckDB spells a field in a way that is not known here: ${rest}`)
    const [type, after] = parseLists(rest.slice(name[0].length))
    fields.push({ name: name[1]?.replaceAll('""', '"') ?? name[2] ?? '', type })
    if (after.startsWith(')')) return [{ kind: 'struct', fields }, after.slice(1)]
    rest = skip(after, ', ')
  }
}

function skip(text: string, expected: string): string {
  assert(text.startsWith(expected), `DuckDB spells a type in a way that is not known here: ${text}`)
  return text.slice(expected.length)
}

/** The columns with the field ids of the file's schema; DuckDB keeps the order of the fields. */
export function withFieldIds(columns: readonly FileColumn[], nodes: readonly SchemaNode[]): readonly FileColumn[] {
  return columns.map((column, index) => {
    const node = nodes[index]
    if (node === undefined) return column
    return { ...column, type: withIds(column.type, node), ...(node.id === undefined ? {} : { id: node.id }) }
  })
}

function withIds(type: FileType, node: SchemaNode): FileType {
  switch (type.kind) {
    case 'plain':
      return type
    case 'struct':
      return { kind: 'struct', fields: withFieldIds(type.fields, node.children) }
    case 'list':
      return { kind: 'list', element: withIds(type.element, elementNode(node)) }
    case 'map': {
      const [key, value] = node.children[0]?.children ?? []
      if (key === undefined || value === undefined) return type
      return { kind: 'map', key: withIds(type.key, key), value: withIds(type.value, value) }
    }
  }
}

// Parquet's LogicalTypes.md, "Lists": in the old two-level form the repeated node is the element itself.
function elementNode(list: SchemaNode): SchemaNode {
  const repeated = list.children[0]
  if (list.isRepeated || repeated === undefined) return list
  const [element] = repeated.children
  const isElement =
    element === undefined ||
    repeated.children.length > 1 ||
    repeated.name === 'array' ||
    repeated.name === `${list.name}_tuple`
  return isElement ? repeated : element
}
