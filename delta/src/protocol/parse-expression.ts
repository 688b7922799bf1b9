// The part of Spark SQL that means the same to every engine: comparisons, AND, OR, NOT, IN, BETWEEN, IS NULL, + - *, literals and
// columns. CHECK constraints, invariants, generated columns and defaults are texts in it; whatever else they say is refused, since
// enforcing half of a rule is worse than refusing to write.

/** A parsed expression. */
export type Expression =
  | { readonly kind: 'column'; readonly path: readonly string[] }
  | { readonly kind: 'literal'; readonly type: LiteralType; readonly text: string }
  | { readonly kind: 'null' }
  | { readonly kind: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'not' | 'negate'; readonly inner: Expression }
  | { readonly kind: 'compare'; readonly op: Comparison; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'arithmetic'; readonly op: '+' | '-' | '*'; readonly left: Expression; readonly right: Expression }
  | {
      readonly kind: 'in'
      readonly inner: Expression
      readonly members: readonly Expression[]
      readonly isNegated: boolean
    }
  | { readonly kind: 'is-null'; readonly inner: Expression; readonly isNegated: boolean }

export type LiteralType = 'integer' | 'decimal' | 'double' | 'string' | 'boolean' | 'date'

export type Comparison = '=' | '<>' | '<' | '<=' | '>' | '>=' | '<=>'

/** What became of a text: an expression, or why it is none that we understand. */
export type ParsedExpression =
  | { readonly kind: 'parsed'; readonly expression: Expression }
  | { readonly kind: 'not-understood'; readonly why: string }

/** Parse a Spark SQL expression. */
export function parseExpression(text: string): ParsedExpression {
  const tokens = tokenize(text)
  if (typeof tokens === 'string') return { kind: 'not-understood', why: tokens }
  // A chain of ANDs needs no depth to be read, but each member is a level of what is made of it.
  if (tokens.length > TOKENS_MAX) return { kind: 'not-understood', why: `it is longer than ${TOKENS_MAX} words` }
  const reader = tokenReader(tokens)
  try {
    const expression = parseOr(reader, 0)
    const rest = reader.peek()
    if (rest !== undefined) throw new NotUnderstood(`${JSON.stringify(rest.raw)} is not expected there`)
    return { kind: 'parsed', expression }
  } catch (error) {
    if (error instanceof NotUnderstood) return { kind: 'not-understood', why: error.message }
    throw error
  }
}

/** Leaves the recursion; never leaves this file. */
class NotUnderstood extends Error {}

interface Token {
  readonly kind: 'word' | 'name' | 'number' | 'text' | 'symbol'
  /** Words in upper case, names and texts without their quotes. */
  readonly text: string
  readonly raw: string
}

const TOKEN =
  /\s*(?:(`(?:[^`]|``)+`)|('(?:[^'\\]|'')*'|"(?:[^"\\]|"")*")|((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[A-Za-z]*)|([\p{L}_][\p{L}\p{N}_]*)|(<=>|<=|>=|<>|!=|==|[=<>+\-*(),.])|(\S))/uy

function tokenize(text: string): readonly Token[] | string {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  while (text.slice(TOKEN.lastIndex).trim() !== '') {
    const [, name, literal, number, word, symbol, other] = TOKEN.exec(text) ?? []
    if (name !== undefined) tokens.push({ kind: 'name', text: name.slice(1, -1).replaceAll('``', '`'), raw: name })
    else if (literal !== undefined) {
      // Spark reads 'a''b' as two texts side by side, others as one quote: nobody is to guess.
      if (/''|""/.test(literal.slice(1, -1))) return `the text ${literal} holds a quote`
      tokens.push({ kind: 'text', text: literal.slice(1, -1), raw: literal })
    } else if (number !== undefined) tokens.push({ kind: 'number', text: number.toUpperCase(), raw: number })
    else if (word !== undefined) tokens.push({ kind: 'word', text: word.toUpperCase(), raw: word })
    else if (symbol !== undefined) tokens.push({ kind: 'symbol', text: symbol, raw: symbol })
    else return `${JSON.stringify(other ?? '')} is no part of it that we know`
  }
  return tokens
}

interface TokenReader {
  readonly peek: () => Token | undefined
  readonly next: () => Token
  /** Takes the token if it is this word or symbol. */
  readonly take: (...texts: readonly string[]) => string | undefined
  readonly expect: (text: string) => void
}

function tokenReader(tokens: readonly Token[]): TokenReader {
  let at = 0
  const peek = (): Token | undefined => tokens[at]
  const take = (...texts: readonly string[]): string | undefined => {
    const token = peek()
    const isTaken =
      token !== undefined && (token.kind === 'word' || token.kind === 'symbol') && texts.includes(token.text)
    if (!isTaken) return undefined
    at += 1
    return token.text
  }
  return {
    peek,
    take,
    next: () => {
      const token = peek()
      if (token === undefined) throw new NotUnderstood('it ends too early')
      at += 1
      return token
    },
    expect: (text) => {
      if (take(text) === undefined) throw new NotUnderstood(`${text} is missing`)
    },
  }
}

// A hostile text must not exhaust the stack.
const DEPTH_MAX = 100
const TOKENS_MAX = 4000

function parseOr(reader: TokenReader, depth: number): Expression {
  if (depth > DEPTH_MAX) throw new NotUnderstood(`it is nested deeper than ${DEPTH_MAX}`)
  let left = parseAnd(reader, depth)
  while (reader.take('OR') !== undefined) left = { kind: 'or', left, right: parseAnd(reader, depth) }
  return left
}

function parseAnd(reader: TokenReader, depth: number): Expression {
  let left = parseNot(reader, depth)
  while (reader.take('AND') !== undefined) left = { kind: 'and', left, right: parseNot(reader, depth) }
  return left
}

function parseNot(reader: TokenReader, depth: number): Expression {
  if (depth > DEPTH_MAX) throw new NotUnderstood(`it is nested deeper than ${DEPTH_MAX}`)
  if (reader.take('NOT') !== undefined) return { kind: 'not', inner: parseNot(reader, depth + 1) }
  return parsePredicate(reader, depth)
}

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  '=': '=',
  '==': '=',
  '<>': '<>',
  '!=': '<>',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
  '<=>': '<=>',
}

function parsePredicate(reader: TokenReader, depth: number): Expression {
  const left = parseSum(reader, depth)
  const op = COMPARISONS[reader.take(...Object.keys(COMPARISONS)) ?? '']
  if (op !== undefined) return { kind: 'compare', op, left, right: parseSum(reader, depth) }
  if (reader.take('IS') !== undefined) {
    const isNegated = reader.take('NOT') !== undefined
    reader.expect('NULL')
    return { kind: 'is-null', inner: left, isNegated }
  }
  const isNegated = reader.take('NOT') !== undefined
  if (reader.take('IN') !== undefined)
    return { kind: 'in', inner: left, members: parseMembers(reader, depth), isNegated }
  if (reader.take('BETWEEN') !== undefined) {
    const low = parseSum(reader, depth)
    reader.expect('AND')
    const between: Expression = {
      kind: 'and',
      left: { kind: 'compare', op: '>=', left, right: low },
      right: { kind: 'compare', op: '<=', left, right: parseSum(reader, depth) },
    }
    return isNegated ? { kind: 'not', inner: between } : between
  }
  if (isNegated) throw new NotUnderstood('NOT is not expected there')
  return left
}

function parseMembers(reader: TokenReader, depth: number): readonly Expression[] {
  reader.expect('(')
  const members = [parseSum(reader, depth)]
  while (reader.take(',') !== undefined) members.push(parseSum(reader, depth))
  reader.expect(')')
  return members
}

function parseSum(reader: TokenReader, depth: number): Expression {
  let left = parseProduct(reader, depth)
  for (let op = reader.take('+', '-'); op !== undefined; op = reader.take('+', '-')) {
    left = { kind: 'arithmetic', op: op === '+' ? '+' : '-', left, right: parseProduct(reader, depth) }
  }
  return left
}

// Division is left out on purpose: engines differ on zero, and on the digits of decimals.
function parseProduct(reader: TokenReader, depth: number): Expression {
  let left = parseUnary(reader, depth)
  while (reader.take('*') !== undefined) left = { kind: 'arithmetic', op: '*', left, right: parseUnary(reader, depth) }
  return left
}

function parseUnary(reader: TokenReader, depth: number): Expression {
  if (depth > DEPTH_MAX) throw new NotUnderstood(`it is nested deeper than ${DEPTH_MAX}`)
  if (reader.take('-') !== undefined) return { kind: 'negate', inner: parseUnary(reader, depth + 1) }
  if (reader.take('(') === undefined) return parseLeaf(reader)
  const inner = parseOr(reader, depth + 1)
  reader.expect(')')
  return inner
}

function parseLeaf(reader: TokenReader): Expression {
  const token = reader.next()
  if (token.kind === 'number') return parseNumber(token)
  if (token.kind === 'text') return { kind: 'literal', type: 'string', text: token.text }
  if (token.kind === 'word') {
    if (token.text === 'TRUE' || token.text === 'FALSE')
      return { kind: 'literal', type: 'boolean', text: token.text.toLowerCase() }
    if (token.text === 'NULL') return { kind: 'null' }
    const following = reader.peek()
    if (token.text === 'DATE' && following?.kind === 'text') return parseDate(reader.next())
    if (following?.text === '(' && following.kind === 'symbol')
      throw new NotUnderstood(`it calls ${token.raw}, and functions differ between engines`)
    if (RESERVED.has(token.text)) throw new NotUnderstood(`${token.raw} is not expected there`)
  }
  if (token.kind === 'symbol') throw new NotUnderstood(`${JSON.stringify(token.raw)} is not expected there`)
  return parseColumn(reader, token)
}

const RESERVED = new Set([
  'AND',
  'OR',
  'NOT',
  'IN',
  'IS',
  'BETWEEN',
  'LIKE',
  'RLIKE',
  'CASE',
  'CAST',
  'INTERVAL',
  'EXISTS',
])

function parseColumn(reader: TokenReader, first: Token): Expression {
  const path = [nameOf(first)]
  while (reader.take('.') !== undefined) {
    const part = reader.next()
    if (part.kind !== 'word' && part.kind !== 'name') throw new NotUnderstood(`${JSON.stringify(part.raw)} is no name`)
    path.push(nameOf(part))
  }
  return { kind: 'column', path }
}

function nameOf(token: Token): string {
  return token.kind === 'name' ? token.text : token.raw
}

function parseNumber({ text, raw }: Token): Expression {
  if (/^\d+$/.test(text)) return { kind: 'literal', type: 'integer', text }
  if (/^\d+L$/.test(text)) return { kind: 'literal', type: 'integer', text: text.slice(0, -1) }
  if (/^(?:\d+\.\d*|\.\d+)$/.test(text)) return { kind: 'literal', type: 'decimal', text }
  if (/^(?:\d+\.?\d*|\.\d+)(?:E[+-]?\d+)?D?$/.test(text))
    return { kind: 'literal', type: 'double', text: text.replace('D', '') }
  throw new NotUnderstood(`${raw} is no number that we know`)
}

function parseDate({ text }: Token): Expression {
  if (!/^\d{4}-\d\d-\d\d$/.test(text))
    throw new NotUnderstood(`DATE ${JSON.stringify(text)} is not of the form yyyy-MM-dd`)
  return { kind: 'literal', type: 'date', text }
}
