// A definition file in YAML: checked against its schema, with every fault told by its line and with the remedy.
import { parseYaml } from '@tributary/pipeline'
import type { z } from 'zod'
import { datasetInvalid } from '../errors.ts'

/** A definition as its schema gives it, and a way to refuse a part of it by its line. */
export interface ParsedDefinition<T> {
  readonly value: T
  readonly fail: (where: readonly PropertyKey[], problem: string) => never
}

/** Reads the text of a definition file. Throws `DATASET_INVALID`. */
export function parseDefinitionText<T>(schema: z.ZodType<T>, text: string, path: string): ParsedDefinition<T> {
  const document = parseYaml(text, (line, problem) => {
    throw datasetInvalid(path, line, problem)
  })
  const fail = (where: readonly PropertyKey[], problem: string): never => {
    throw datasetInvalid(path, document.lineOf(where), problem)
  }
  const parsed = schema.safeParse(document.json, { jitless: true })
  if (parsed.success) return { value: parsed.data, fail }
  const { where, problem } = describeIssues(parsed.error.issues)
  return fail(where, problem)
}

interface Described {
  readonly where: readonly PropertyKey[]
  readonly problem: string
}

/** The first issue in words; of a union, the branch that got furthest says most. */
function describeIssues(issues: readonly z.core.$ZodIssue[], above: readonly PropertyKey[] = []): Described {
  // A misspelt name is the cause of a missing one.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]
  if (issue === undefined) return { where: above, problem: 'something is wrong' }
  const where = [...above, ...issue.path]
  if (issue.code === 'invalid_union') {
    const deepest = issue.errors.toSorted((a, b) => depthOf(b) - depthOf(a))[0] ?? []
    return describeIssues(deepest, where)
  }
  const name = where.map(String).join('.')
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys
    const owner = name === '' ? '' : ` of ${name}`
    return { where: [...where, key], problem: `${key} is not a setting${owner}. Correct the name or leave it out` }
  }
  if (issue.code === 'invalid_type' && issue.message.includes('undefined'))
    return { where, problem: `${name} is missing. Add it` }
  return { where, problem: `${name}: ${issue.message}. Correct the value` }
}

function depthOf(issues: readonly z.core.$ZodIssue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length + (issue.code === 'unrecognized_keys' ? 1 : 0)))
}
