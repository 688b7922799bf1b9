// The one parameter of a spine's SQL, `:until`. DuckDB's parser does not know the colon, so the words of the text are told from its
// literals, quoted names and comments here; nothing else of the SQL is read.
import { quoteText } from '@tributary/delta'

interface Word {
  readonly kind: 'parameter' | 'word' | 'other'
  readonly text: string
}

// In the order in which they are tried: literals and comments first, so that nothing in them is taken for a parameter.
const TOKENS =
  /('(?:[^']|'')*'|"(?:[^"]|"")*"|\$([A-Za-z_]*)\$[\s\S]*?\$\2\$|--[^\n]*|\/\*[\s\S]*?\*\/|::)|:([A-Za-z_]\w*)|([A-Za-z_]\w*)|([\s\S])/g

function wordsOf(sql: string): readonly Word[] {
  return [...sql.matchAll(TOKENS)].map(([text, , , parameter, word]) => ({
    kind: parameter !== undefined ? 'parameter' : word !== undefined ? 'word' : 'other',
    text: parameter ?? word ?? text,
  }))
}

/** Names of parameters in a query. */
export function parametersOf(sql: string): readonly string[] {
  return [...new Set(wordsOf(sql).flatMap(({ kind, text }) => (kind === 'parameter' ? [text] : [])))]
}

/** The query with `:until` in place. */
export function withUntil(sql: string, untilMs: number): string {
  const literal = `(TIMESTAMPTZ ${quoteText(new Date(untilMs).toISOString())})`
  return wordsOf(sql)
    .map(({ kind, text }) => (kind === 'parameter' ? (text === 'until' ? literal : `:${text}`) : text))
    .join('')
}
