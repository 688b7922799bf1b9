// The text of a configuration as a YAML document: what is no YAML, and on which line things are.
import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml'

/** A text that is YAML. */
export interface YamlDocument {
  /** Its values, as JSON has them. */
  readonly json: unknown
  /** The line of the deepest part of a path that is there. */
  readonly lineOf: (where: readonly PropertyKey[]) => number
  /** A map's entries as they stand: an object would move names such as `7` to the front and lose `__proto__`. */
  readonly pairsAt: (where: readonly string[]) => readonly (readonly [string, string])[]
}

/** Parses a text; `fail` is told the first line that is no YAML, what is wrong there and what to write. */
export function parseYaml(text: string, fail: (line: number, problem: string) => never): YamlDocument {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [fault] = document.errors
  if (fault !== undefined) return fail(lines.linePos(fault.pos[0]).line, describeSyntax(fault, text))
  const root = document.contents
  return {
    json: valuesOf(document, (offset, problem) => fail(lines.linePos(offset).line, problem)),
    lineOf: (where) => lines.linePos(offsetOf(root, where)).line,
    pairsAt: (where) => pairsAt(root, where),
  }
}

function describeSyntax({ code, message, pos }: YAMLError, text: string): string {
  if (code === 'DUPLICATE_KEY') {
    const name = /^[^\s:,}]*/.exec(text.slice(pos[0]))?.[0] ?? ''
    return `${name} stands here for the second time. Keep one of the two`
  }
  if (code === 'TAB_AS_INDENT') return 'a tab indents this line. Indent it with spaces'
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here. Leave the line of dashes out'
  return `this is no YAML: ${message}. Correct the indentation, and put texts that hold : # [ or { in quotes`
}

function valuesOf(document: Document.Parsed, fail: (offset: number, problem: string) => never): unknown {
  try {
    return document.toJS()
  } catch (error) {
    // Only an alias can fail: one that names nothing, or so many that the file would be huge.
    let offset = 0
    visit(document, {
      Alias: (_, alias) => {
        offset = startOf(alias) ?? offset
        return visit.BREAK
      },
    })
    const reason = error instanceof Error ? error.message : String(error)
    return fail(offset, `this is no YAML: ${reason}. Write the value itself, or in quotes where it begins with *`)
  }
}

/** Where the deepest part of a path that exists begins in the text. Settings of DMS may be spelled in any letter case. */
function offsetOf(root: Node | null, where: readonly PropertyKey[]): number {
  let node: unknown = root
  let offset = 0
  for (const part of where) {
    if (isMap(node)) {
      const name = String(part)
      const pair =
        node.items.find((item) => String(item.key) === name) ??
        node.items.find((item) => String(item.key).toLowerCase() === name.toLowerCase())
      if (pair === undefined) break
      offset = startOf(pair.key) ?? offset
      node = pair.value
    } else if (isSeq(node)) {
      node = node.items[Number(part)]
      offset = startOf(node) ?? offset
    } else break
  }
  return offset
}

function startOf(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return undefined
  const [start]: readonly unknown[] = node.range
  return typeof start === 'number' ? start : undefined
}

function pairsAt(root: unknown, where: readonly string[]): readonly (readonly [string, string])[] {
  let node = root
  for (const part of where) node = isMap(node) ? node.items.find((item) => String(item.key) === part)?.value : undefined
  return isMap(node)
    ? node.items.map((item) => [String(item.key), isScalar(item.value) ? String(item.value.value) : ''])
    : []
}
