import type { z } from 'zod'
import { suggest } from '../suggest.ts'
import { partAt, SETTING_NAMES } from './config-schema.ts'

/** Where a fault is, and in words what is wrong and what to write instead. */
export interface Fault {
  readonly where: readonly PropertyKey[]
  readonly problem: string
}

/** The fault to mend first. The issues have to hold their inputs, and their messages have to be remedies. */
export function describeFault(issues: readonly z.core.$ZodIssue[], above: readonly PropertyKey[] = []): Fault {
  // A misspelt name is the cause of a missing one.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]
  if (issue === undefined) return { where: above, problem: 'something is wrong. Compare with docs/configuration.md' }
  const where = [...above, ...issue.path]
  if (issue.code === 'invalid_union') {
    const deepest = issue.errors.toSorted((a, b) => depthOf(b) - depthOf(a))[0] ?? []
    // A map where a text or a map may stand: what is wrong inside of it says more.
    if (depthOf(deepest) > 0) return describeFault(deepest, where)
  }
  if (issue.code === 'unrecognized_keys') {
    const [name = ''] = issue.keys
    return { where: [...where, name], problem: unknownName(name, where, issue.input) }
  }
  // It says what is wrong itself.
  if (issue.code === 'custom' && issue.message.includes('. ')) return { where, problem: issue.message }
  const state = issue.input === undefined ? 'missing' : shown(issue.input)
  return { where, problem: `${nameOf(where)} is ${state}. ${issue.message}` }
}

function depthOf(issues: readonly z.core.$ZodIssue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length + (issue.code === 'unrecognized_keys' ? 1 : 0)))
}

function unknownName(name: string, where: readonly PropertyKey[], siblings: unknown): string {
  const part = partAt(where)
  const owner = where.length === 0 ? '' : ` of ${nameOf(where)}`
  const problem = `${name} is not a setting${owner}.`
  const free = part === undefined ? [] : SETTING_NAMES[part].filter((known) => !holds(siblings, known))
  const near = free.find((known) => known.toLowerCase() === name.toLowerCase()) ?? suggest(name, free)
  if (near !== undefined) return `${problem} Write ${near}`
  if (part !== 'table' && SETTING_NAMES.table.includes(name)) return `${problem} Write it below a table, beside its key`
  if (part !== 'dms' && SETTING_NAMES.dms.includes(name)) return `${problem} Write it in dms: {${name}: …}`
  if (part !== 'file' && SETTING_NAMES.file.includes(name)) return `${problem} Write it at the beginning of a line`
  return `${problem} Correct the name or leave it out: docs/configuration.md lists all`
}

function holds(map: unknown, name: string): boolean {
  return typeof map === 'object' && map !== null && name in map
}

function nameOf(where: readonly PropertyKey[]): string {
  const last = where.at(-1)
  if (last === undefined) return 'the file'
  return typeof last === 'number' ? `item ${last + 1} of ${nameOf(where.slice(0, -1))}` : where.map(String).join('.')
}

const SHOWN_MAX = 60

function shown(value: unknown): string {
  if (value === null) return 'empty'
  if (typeof value === 'string' && value.length > SHOWN_MAX)
    return `${JSON.stringify(value.slice(0, SHOWN_MAX))} and more`
  if (typeof value === 'string') return value === '' ? 'an empty text' : JSON.stringify(value)
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  return typeof value === 'object' ? 'a map' : String(value)
}
