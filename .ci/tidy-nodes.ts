// What the checks of tidy.ts share: what they look at, what they find, and reading the syntax tree.

import { type Node, type SourceFile, SyntaxKind } from 'typescript/unstable/ast'
import * as is from 'typescript/unstable/ast/is'

/** A place where the house style is broken. */
export interface Finding {
  readonly path: string
  readonly line: number
  readonly rule: string
  readonly message: string
}

/** A file under check; `isSource` says that it lies in the `src` of a workspace. */
export interface File {
  readonly path: string
  readonly source: SourceFile
  readonly isSource: boolean
}

/** What a file imports or exports from elsewhere, by any form of import. */
export function importsOf({ source }: File): readonly { readonly name: string; readonly node: Node }[] {
  const found: { name: string; node: Node }[] = []
  const visit = (node: Node): void => {
    if ((is.isImportDeclaration(node) || is.isExportDeclaration(node)) && node.moduleSpecifier !== undefined)
      found.push({ name: textOf(node.moduleSpecifier), node })
    if (
      is.isCallExpression(node) &&
      node.expression.kind === SyntaxKind.ImportKeyword &&
      node.arguments[0] !== undefined
    )
      found.push({ name: textOf(node.arguments[0]), node })
    node.forEachChild(visit)
  }
  visit(source)
  return found
}

/** Whether a node is a function with a body of its own. */
export function isFunction(node: Node): boolean {
  return (
    is.isFunctionDeclaration(node) ||
    is.isArrowFunction(node) ||
    is.isFunctionExpression(node) ||
    is.isMethodDeclaration(node)
  )
}

/** The text of an identifier or a string, else nothing. */
export function textOf(node: Node): string {
  return is.isIdentifier(node) || is.isStringLiteral(node) ? node.text : ''
}

/** The name that a declaration gives. */
export function nameOf(node: Node): string {
  if (
    is.isVariableDeclaration(node) ||
    is.isFunctionDeclaration(node) ||
    is.isClassDeclaration(node) ||
    is.isInterfaceDeclaration(node) ||
    is.isTypeAliasDeclaration(node) ||
    is.isMethodDeclaration(node)
  ) {
    return node.name === undefined ? '' : textOf(node.name)
  }
  return ''
}

/** The line on which a node starts, counted from one. */
export function lineOf(source: SourceFile, node: Node): number {
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1
}
