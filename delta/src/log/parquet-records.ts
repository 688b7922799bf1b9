// Rows of a Parquet row group as plain objects, one after another, from cursors over its leaves (Dremel's record assembly). Lists are
// arrays, maps are objects, what is NULL is left out. A key may be `__proto__`: properties are then defined, not assigned.

import type { SchemaTree } from 'hyparquet'
import type { LeafCursor } from './parquet-cursor.ts'

/** Reads the value that begins at the entries in front, and passes them. */
type ReadValue = () => unknown

interface Reader {
  readonly read: ReadValue
  /** The levels of the first leaf stand for the whole of the value. */
  readonly leaves: readonly [first: LeafCursor, ...others: LeafCursor[]]
}

/** A row: the columns that are not NULL. */
export type Row = readonly (readonly [name: string, value: unknown])[]

/** A function that reads the next row. Only leaves for which there is a cursor are read. */
export function rowReader(root: SchemaTree, cursorOf: (node: SchemaTree) => LeafCursor | undefined): () => Row {
  const columns = root.children.flatMap((child) => {
    const reader = compile(child, { definition: 0, repetition: 0 }, cursorOf)
    return reader === undefined ? [] : [{ name: child.element.name, reader }]
  })
  return () => {
    const row: (readonly [string, unknown])[] = []
    for (const { name, reader } of columns) {
      const value = reader.read()
      if (value !== undefined) row.push([name, value])
    }
    return row
  }
}

/** How deep the parent is. */
interface Depth {
  readonly definition: number
  readonly repetition: number
}

function compile(
  node: SchemaTree,
  parent: Depth,
  cursorOf: (node: SchemaTree) => LeafCursor | undefined,
): Reader | undefined {
  const kind = node.element.repetition_type
  const definition = parent.definition + (kind === 'REQUIRED' ? 0 : 1)
  if (kind === 'REPEATED') {
    const element = compileBody(node, { definition, repetition: parent.repetition + 1 }, cursorOf)
    return element && repeated(element, { definition, repetition: parent.repetition + 1 })
  }
  const body = compileBody(node, { definition, repetition: parent.repetition }, cursorOf)
  return body && (kind === 'REQUIRED' ? body : optional(body, definition))
}

// Where a value is NULL each leaf has one entry without a value. Only the first leaf is passed at once, the others when the next value
// comes: in a checkpoint most columns are NULL in most rows, and pages of theirs are then never decoded.
function optional({ read, leaves }: Reader, definition: number): Reader {
  const [first, ...others] = leaves
  let behind = 0
  const readOptional = (): unknown => {
    if (first.definition() < definition) {
      first.skip(1)
      behind += 1
      return undefined
    }
    if (behind > 0) for (const leaf of others) leaf.skip(behind)
    behind = 0
    return read()
  }
  return { read: readOptional, leaves }
}

/** All elements of a list; an empty list where the first of them is not defined. */
function repeated({ read, leaves }: Reader, { definition, repetition }: Depth): Reader {
  const [first] = leaves
  const readAll = (): unknown => {
    if (first.definition() < definition) {
      for (const leaf of leaves) leaf.skip(1)
      return []
    }
    const items: unknown[] = []
    do items.push(read())
    while (first.repetition() === repetition)
    return items
  }
  return { read: readAll, leaves }
}

function compileBody(
  node: SchemaTree,
  depth: Depth,
  cursorOf: (node: SchemaTree) => LeafCursor | undefined,
): Reader | undefined {
  if (node.children.length === 0) {
    const cursor = cursorOf(node)
    return cursor && { read: cursor.take, leaves: [cursor] }
  }
  const fields = node.children.flatMap((child) => {
    const reader = compile(child, depth, cursorOf)
    return reader === undefined ? [] : [{ name: child.element.name, ...reader }]
  })
  const [only] = fields
  if (only === undefined) return undefined
  const [first, ...others] = fields.flatMap((field) => field.leaves)
  if (first === undefined) return undefined
  if (isWrapper(node)) return { read: unwrapped(node, only.read), leaves: [first, ...others] }
  return { read: () => readFields(fields), leaves: [first, ...others] }
}

function readFields(fields: readonly { readonly name: string; readonly read: ReadValue }[]): unknown {
  const found: Record<string, unknown> = {}
  for (const { name, read } of fields) {
    const value = read()
    if (value !== undefined) setOwn(found, name, value)
  }
  return found
}

// An assignment to `__proto__` would set the prototype.
function setOwn(object: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__')
    Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
  else object[name] = value
}

function isWrapper({ element, children }: SchemaTree): boolean {
  const type = element.converted_type
  const isNested = type === 'LIST' || type === 'MAP' || type === 'MAP_KEY_VALUE'
  return isNested && children.length === 1 && children[0]?.element.repetition_type === 'REPEATED'
}

/** Lists and maps without the groups that Parquet puts around them. */
function unwrapped({ element, children }: SchemaTree, read: ReadValue): ReadValue {
  const inner = children[0]?.children ?? []
  if (element.converted_type !== 'LIST') return () => entriesOf(read())
  // LogicalTypes.md, "Lists": in the form of three levels the element stands alone in the repeated group.
  const [name] = inner.length === 1 ? inner.map((child) => child.element.name) : []
  if (name === undefined || children[0]?.element.name === 'array') return read
  return () => listOf(read()).map((item) => property(item, name) ?? null)
}

function entriesOf(items: unknown): unknown {
  const found: Record<string, unknown> = {}
  for (const item of listOf(items)) setOwn(found, String(property(item, 'key')), property(item, 'value') ?? null)
  return found
}

function listOf(items: unknown): readonly unknown[] {
  return Array.isArray(items) ? items : []
}

function property(item: unknown, name: string): unknown {
  const fields: Readonly<Record<string, unknown>> = Object(item)
  return Object.hasOwn(fields, name) ? fields[name] : undefined
}
