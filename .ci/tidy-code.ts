// The checks of tidy.ts that need one file: lengths, names, casts, time, exports, comments.

import { type Node, SyntaxKind } from 'typescript/unstable/ast'
import * as is from 'typescript/unstable/ast/is'
import { type File, type Finding, isFunction, lineOf, nameOf } from './tidy-nodes.ts'

const fileLinesMax = 300
const functionLinesMax = 70
const bannedParts = /^(utils?|helpers?|common|misc|shared|managers?|types|constants|lib)(\.ts)?$/
const bannedNames = /(Manager|Helpers?|Utils?|Impl)$|^Base[A-Z]/
const bannedCalls = new Set([
  'Date.now',
  'Math.random',
  'setTimeout',
  'setInterval',
  'randomUUID',
  'crypto.randomUUID',
  'Bun.sleep',
])

/** All that can be found by looking at one file alone. */
export function checkCode(file: File): readonly Finding[] {
  return [...checkText(file), ...checkNames(file), ...checkNodes(file)]
}

function checkText({ path, source }: File): readonly Finding[] {
  const lines = source.text.split('\n')
  const findings: Finding[] = []
  const count = lines.at(-1) === '' ? lines.length - 1 : lines.length
  if (count > fileLinesMax)
    findings.push({ path, line: count, rule: 'file length', message: `${count} lines; ${fileLinesMax} is the limit` })
  for (const [index, text] of lines.entries()) {
    const comment = /(?:^|\s)(?:\/\/|\/\*|\*)\s?(.*)/.exec(text)?.[1] ?? ''
    if (/\b(TODO|FIXME|HACK)\b/.test(comment) && !/#\d+/.test(comment))
      findings.push({ path, line: index + 1, rule: 'todo', message: 'needs the number of its issue: #123' })
    if (/^@ts-(ignore|expect-error|nocheck)/.test(comment))
      findings.push({ path, line: index + 1, rule: 'ts-ignore', message: 'the compiler is not to be silenced' })
  }
  return findings
}

function checkNames({ path }: File): readonly Finding[] {
  const parts = path.split('/')
  const findings = parts
    .filter((part) => bannedParts.test(part))
    .map((part) => ({ path, line: 1, rule: 'name', message: `"${part}" says nothing: name the idea` }))
  if (parts.at(-1) === 'index.ts' && !/^[^/]+\/src\/index\.ts$/.test(path)) {
    findings.push({ path, line: 1, rule: 'index', message: 'one door a workspace: import the file itself' })
  }
  return findings
}

function checkNodes(file: File): readonly Finding[] {
  const findings: Finding[] = []
  const report = (node: Node, rule: string, message: string) =>
    findings.push({ path: file.path, line: lineOf(file.source, node), rule, message })
  const visit = (node: Node, isParsing: boolean): void => {
    checkExports(file, node, report)
    checkDeclaration(node, report)
    if (is.isNonNullExpression(node)) report(node, 'non-null', '`!` hides a case: check it or narrow the type')
    if (file.isSource) {
      checkTime(file, node, report)
      checkQuotes(node, report)
      if (
        (is.isAsExpression(node) || is.isTypeAssertion(node)) &&
        !isParsing &&
        node.type.getText(file.source) !== 'const'
      ) {
        report(node, 'cast', 'a cast belongs into a function named parse…')
      }
    }
    if (isFunction(node) && (file.isSource || !file.path.includes('.test.'))) {
      const lines = file.source.getLineAndCharacterOfPosition(node.end).line - lineOf(file.source, node) + 2
      if (lines > functionLinesMax && file.path.split('/')[1] !== 'test')
        report(node, 'function length', `${lines} lines; ${functionLinesMax} is the limit`)
    }
    const isParsingBelow = isParsing || nameOf(node).startsWith('parse')
    node.forEachChild((child) => visit(child, isParsingBelow))
  }
  visit(file.source, false)
  return findings
}

// Words that are written so in SQL and hardly anywhere else.
const sqlWords =
  /\b(SELECT|FROM|WHERE|COPY|CREATE|INSERT|DELETE FROM|UPDATE|VALUES|ATTACH|LOAD|CAST|COALESCE|JOIN|SET [a-z_]+ ?=)\b|\b(?:nullif|coalesce|read_csv|read_parquet)\(/

// A value between quotes of the template's own ends where it likes.
function checkQuotes(node: Node, report: Report): void {
  if (!is.isTemplateExpression(node)) return
  const texts = [node.head.text, ...node.templateSpans.map((span) => span.literal.text)]
  if (!sqlWords.test(texts.join(' '))) return
  const raw = node.templateSpans.find((span, at) => {
    const before = texts[at]?.at(-1)
    return (before === "'" || before === '"') && before === span.literal.text[0]
  })
  if (raw !== undefined) report(raw, 'sql', 'a value in SQL is quoted by quoteText or quoteName, not by hand')
}

type Report = (node: Node, rule: string, message: string) => void

function checkExports({ path }: File, node: Node, report: Report): void {
  if (is.isExportDeclaration(node) && node.exportClause === undefined)
    report(node, 'export star', 'name what is exported')
  const isDefault =
    is.isExportAssignment(node) || (node.kind === SyntaxKind.DefaultKeyword && !is.isDefaultClause(node.parent))
  if (isDefault && !path.endsWith('.config.ts')) report(node, 'default export', 'name what is exported')
}

function checkDeclaration(node: Node, report: Report): void {
  const isDeclaration =
    is.isClassDeclaration(node) ||
    is.isFunctionDeclaration(node) ||
    is.isInterfaceDeclaration(node) ||
    is.isTypeAliasDeclaration(node) ||
    is.isVariableDeclaration(node)
  if (!isDeclaration) return
  const name = nameOf(node)
  if (bannedNames.test(name)) report(node, 'name', `"${name}" says nothing: name what differs`)
  if (is.isInterfaceDeclaration(node) && /^I[A-Z][a-z]/.test(name))
    report(node, 'name', `"${name}": an interface bears the name of the thing`)
}

// The simulation runs these two whole: a run must be a function of its seed, so they have no time and no chance of their own. It calls
// no function of Lambda: how long that one lives is told by the machine.
const simulatedWorkspaces = /^(delta|pipeline)\/(?!src\/lambda\/)/
const bannedThere = new Set([
  'performance.now',
  'process.hrtime',
  'process.hrtime.bigint',
  'AbortSignal.timeout',
  'crypto.getRandomValues',
  'randomInt',
  'randomBytes',
])
// Names of files that live as long as one reading, in a folder of this process, by which nothing is decided; and the process edge of Lambda.
const excepted = new Set([
  'pipeline/src/dms/open-file.ts',
  'pipeline/src/dms/stored-file.ts',
  'pipeline/src/lambda/handler.ts',
])

function checkTime({ path, source }: File, node: Node, report: Report): void {
  if (path === 'delta/src/clock.ts') return
  const called = is.isCallExpression(node) ? node.expression.getText(source) : ''
  const isNow =
    is.isNewExpression(node) && node.expression.getText(source) === 'Date' && (node.arguments?.length ?? 0) === 0
  const isHidden = bannedThere.has(called) && simulatedWorkspaces.test(path) && !excepted.has(path)
  if (bannedCalls.has(called) || isNow || isHidden)
    report(node, 'clock', 'time and randomness come from a Clock that is passed in')
}
