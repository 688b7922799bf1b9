import { type Expression, parseExpression } from '../protocol/parse-expression.ts'

/** The top-level columns that a Spark expression speaks about, in lower case; undefined when the text is not understood. */
export function namesOf(text: string): ReadonlySet<string> | undefined {
  const parsed = parseExpression(text)
  return parsed.kind === 'parsed'
    ? new Set([...columns(parsed.expression)].map((name) => name.toLowerCase()))
    : undefined
}

function* columns(expression: Expression): Generator<string> {
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
      yield* columns(expression.inner)
      return
    case 'in':
      yield* columns(expression.inner)
      for (const member of expression.members) yield* columns(member)
      return
    default:
      yield* columns(expression.left)
      yield* columns(expression.right)
  }
}
