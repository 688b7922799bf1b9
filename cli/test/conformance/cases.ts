// The Delta conformance suite beside this checkout: tables of other writers, and what each must read as (its FORMAT.md).

import { cpSync, existsSync, globSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { StructType } from '@tributary/delta'

/** One thing to run. */
export interface Case {
  readonly name: string
  readonly kind: 'read' | 'changes' | 'error'
  /** Folder, from the suite's. */
  readonly table: string
  /** The log holds placeholders: read a copy. */
  readonly template?: boolean
  readonly version: number | null
  readonly changes?: { readonly start: number; readonly end: number } | null
  readonly features: readonly string[]
  readonly schema: StructType
  readonly expect: {
    readonly error?: boolean
    readonly may_refuse?: boolean
    readonly rows?: number
    readonly data?: string | null
    readonly alternatives?: readonly string[]
    readonly sha256?: string
  }
}

/** Where the suite is, and undefined where it is not. */
export function findSuite(): string | undefined {
  const folder = join(import.meta.dirname, '../../../../shared/conformance')
  return existsSync(join(folder, 'cases')) ? folder : undefined
}

/** All cases, by name. */
export function readCases(suite: string): readonly Case[] {
  return readdirSync(join(suite, 'cases'))
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => parseCase(readFileSync(join(suite, 'cases', name), 'utf8')))
}

function parseCase(text: string): Case {
  return JSON.parse(text) as Case
}

/** So few cases that each feature is met as often as wanted: the ones that add most come first. */
export function sampleCases(cases: readonly Case[], timesEach: number): readonly Case[] {
  const missing = new Map<string, number>()
  for (const { features } of cases)
    for (const feature of features) missing.set(feature, Math.min((missing.get(feature) ?? 0) + 1, timesEach))
  const left = new Set(cases)
  const chosen: Case[] = []
  const gain = ({ features }: Case): number => features.filter((feature) => (missing.get(feature) ?? 0) > 0).length
  while (left.size > 0) {
    const best = [...left].reduce((one, other) => (gain(other) > gain(one) ? other : one))
    if (gain(best) === 0) break
    left.delete(best)
    chosen.push(best)
    for (const feature of best.features) missing.set(feature, (missing.get(feature) ?? 0) - 1)
  }
  return chosen
}

/** The table of a case; one with placeholders is copied below `scratch` and gets its paths. */
export function placeTable(suite: string, scratch: string, { name, table, template }: Case): string {
  const source = join(suite, table)
  if (template !== true) return source
  const target = join(scratch, name)
  cpSync(source, target, { recursive: true })
  const values = new Map([
    ['{{TABLE_ROOT_URI}}', pathToFileURL(target).href],
    ['{{TABLE_ROOT_ENC}}', pathToFileURL(target).pathname],
    ['{{TABLES_ROOT_URI}}', pathToFileURL(join(suite, 'tables')).href],
  ])
  for (const file of globSync(join(target, '_delta_log/*.{json,crc}'))) {
    const text = readFileSync(file, 'utf8')
    writeFileSync(
      file,
      text.replace(/\{\{\w+\}\}/g, (mark) => values.get(mark) ?? mark),
    )
  }
  return target
}

/** The lines of an expected file. */
export function readLines(suite: string, file: string): readonly string[] {
  return readFileSync(join(suite, file), 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
}
