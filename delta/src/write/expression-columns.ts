import { type Expression, parseExpression } from '../protocol/parse-expression.ts'

/** The top-level columns that a Spark expression speaks about, in lower case; undefined when the text is not understood. */
export function columnsOf(text: string): ReadonlySet<string> | undefined {
  const parsed = parseExpression(text)
  return parsed.kind === 'parsed'
    ? new Set([...namesIn(parsed.expression)].map((name) => name.toLowerCase()))
    : undefined
}

function* namesIn(expression: Expression): Generator<string> {
  switch (expression.kind) {
    case 'column':
      yield expression.path[0] ?? ''
      return
    case 'literal':
    case 'null':
      return
    case 'not':
    case 'negate':
    case 'is-null':
      yield* namesIn(expression.inner)
      return
    case 'in':
      yield* namesIn(expression.inner)
      for (const member of expression.members) yield* namesIn(member)
      return
    default:
      yield* namesIn(expression.left)
      yield* namesIn(expression.right)
  }
}
