// The checks of tidy.ts on what is written about the code: doc comments on the public doors, error codes in docs/errors.md.

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Node } from 'typescript/unstable/ast'
import * as is from 'typescript/unstable/ast/is'
import { type File, type Finding, lineOf, nameOf, textOf } from './tidy-nodes.ts'

/** Public names without a doc comment, and codes that `docs/errors.md` lacks or invents. */
export function checkDocuments(root: string, files: readonly File[]): readonly Finding[] {
  return [...checkDocComments(files), ...checkErrorCodes(root, files)]
}

function checkDocComments(files: readonly File[]): readonly Finding[] {
  const byPath = new Map(files.map((file) => [file.path, file]))
  return files
    .filter((file) => /^[^/]+\/src\/index\.ts$/.test(file.path))
    .flatMap((door) => {
      const { path } = door
      return door.source.statements.flatMap((statement): readonly Finding[] => {
        if (
          !is.isExportDeclaration(statement) ||
          statement.exportClause === undefined ||
          !is.isNamedExports(statement.exportClause)
        )
          return []
        const name = statement.moduleSpecifier === undefined ? '' : textOf(statement.moduleSpecifier)
        const target = byPath.get(join(dirname(path), name))
        const undocumented = statement.exportClause.elements
          .map((element) => textOf(element.propertyName ?? element.name))
          .filter((exported) => {
            const declaration = target?.source.statements.find((candidate) => declares(candidate, exported))
            return declaration !== undefined && (declaration.jsDoc?.length ?? 0) === 0
          })
        return undocumented.map((exported) => ({
          path: target?.path ?? path,
          line: 1,
          rule: 'doc comment',
          message: `${exported} is public and has none`,
        }))
      })
    })
}

function declares(statement: Node, name: string): boolean {
  if (is.isVariableStatement(statement))
    return statement.declarationList.declarations.some((declaration) => nameOf(declaration) === name)
  return !is.isExportDeclaration(statement) && nameOf(statement) === name
}

function checkErrorCodes(root: string, files: readonly File[]): readonly Finding[] {
  const codes = new Map<string, Finding>()
  const findings: Finding[] = []
  for (const file of files.filter(({ isSource }) => isSource)) {
    const visit = (node: Node): void => {
      if (is.isNewExpression(node) && textOf(node.expression) === 'TributaryError') {
        const at = { path: file.path, line: lineOf(file.source, node) }
        const code = node.arguments?.[1]
        if (code !== undefined && is.isStringLiteral(code))
          codes.set(code.text, { ...at, rule: 'error codes', message: `docs/errors.md does not list ${code.text}` })
        if (!file.path.endsWith('/errors.ts'))
          findings.push({ ...at, rule: 'errors', message: 'each code is a function in errors.ts' })
      }
      node.forEachChild(visit)
    }
    visit(file.source)
  }
  const path = 'docs/errors.md'
  const text = existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : ''
  const listed = [...text.matchAll(/^(?:\|\s*|#+ |[-*] )`([A-Z][A-Z0-9_]+)`/gm)].map((match) => match[1] ?? '')
  findings.push(...[...codes].filter(([code]) => !listed.includes(code)).map(([, finding]) => finding))
  findings.push(
    ...listed
      .filter((code) => !codes.has(code))
      .map((code) => ({ path, line: 1, rule: 'error codes', message: `${code} is in no errors.ts` })),
  )
  return findings
}
