import type { Engine } from '@tributary/delta'
import {
  checkFeature,
  type FeatureCheckReport,
  findFeature,
  orderFeatures,
  planFeature,
  type RefreshOptions,
  type RefreshOutcome,
  refreshFeature,
  refreshMemory,
} from '@tributary/ml'
import type { Command } from 'commander'
import { flagsInvalid } from '../errors.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { tableText, writeJson, writeList } from '../list-output.ts'
import { openFeatures } from '../open-features.ts'
import { countText, secondsText } from '../quantity.ts'
import { withEngine } from '../with-engine.ts'

interface RefreshFlags {
  readonly all?: boolean
  readonly full?: boolean
  readonly dryRun?: boolean
  readonly asOf?: string
}

/** The verbs that compute: `plan`, `refresh` and `check`. */
export function addFeatureRefresh(command: Command, invocation: Invocation): void {
  command
    .command('plan')
    .description('whether the SQL can be followed key by key, and how')
    .argument('<name>', 'a feature: the name of its file in features/')
    .action((name: string) => plan(invocation, name))
  command
    .command('refresh')
    .description('bring features to the newest versions of their tables')
    .argument('[names...]', 'features')
    .option('--all', 'all features, each after those that it reads')
    .option('--full', 'compute everything, whatever the mode')
    .option('--dry-run', 'say what would change and write nothing')
    .option('--as-of <time>', 'what :as_of stands for; now when it is left out')
    .action((names: readonly string[], flags: RefreshFlags) => refresh(invocation, names, flags))
  command
    .command('check')
    .description('compare a feature with a full computation at the same cut')
    .argument('<name>', 'a feature')
    .option('--sample <percent>', 'only that share of the keys, the same each time: 1%')
    .option('--all', 'all keys (the default)')
    .action((name: string, flags: { readonly sample?: string; readonly all?: boolean }) =>
      check(invocation, name, flags),
    )
}

async function plan(invocation: Invocation, name: string): Promise<void> {
  const { lake, definitions } = await openFeatures(invocation)
  const found = await withEngine(invocation, (engine) => planFeature(lake, engine, findFeature(definitions, name)))
  if (invocation.flags.json) return writeJson(invocation, { schema: 'tributary.feature-plan/1', ...found })
  const rows = [
    ['entity', found.entity.join(', ')],
    ['columns', found.columns.map((column) => `${column.name} ${column.type}`).join(', ')],
    ...found.inputs.map(({ table, columns }) => ['reads', `${table}: ${columns.join(', ')}`]),
    ...found.rewrites.map((text) => ['rewritten', text]),
    ...found.keyQueries.map(({ kind, sql }) => [`keys ${kind}`, sql]),
    ['result', found.sql],
  ]
  await invocation.data.write(tableText(invocation, ['what', 'how'], rows))
}

async function refresh(invocation: Invocation, names: readonly string[], flags: RefreshFlags): Promise<void> {
  if ((flags.all === true) === names.length > 0)
    throw flagsInvalid('Either names or --all say what to refresh', 'Write tributary feature refresh --all')
  const { lake, definitions } = await openFeatures(invocation)
  const wanted = flags.all === true ? definitions : names.map((name) => findFeature(definitions, name))
  const options: RefreshOptions = {
    memory: refreshMemory(),
    ...(flags.full === true ? { full: true } : {}),
    ...(flags.dryRun === true ? { dryRun: true } : {}),
    ...(flags.asOf === undefined ? {} : { asOfMs: parseAsOf(flags.asOf) }),
  }
  const items = await withEngine(invocation, async (engine: Engine) => {
    const outcomes: RefreshOutcome[] = []
    for (const definition of await orderFeatures(engine, wanted)) {
      const outcome = await refreshFeature(lake, engine, definition, options)
      invocation.words.detail(`${outcome.feature}: ${outcome.kind}, ${outcome.reason}`)
      outcomes.push(outcome)
    }
    return outcomes
  })
  await writeList(invocation, { schema: 'tributary.feature-refresh/1', items, columns: COLUMNS, cells: cellsOf })
  for (const { feature, failures } of items)
    for (const { column, rule, found } of failures)
      invocation.words.warn(`${feature}: ${column} breaks ${rule}: ${found}. Nothing was published`)
  if (items.some(({ kind }) => kind === 'checks-failed')) invocation.end(EXIT.findings)
}

const COLUMNS = ['feature', 'what', 'version', 'mode', 'keys', 'inserted', 'updated', 'deleted', 'took', 'why']

function cellsOf(outcome: RefreshOutcome): readonly (string | null)[] {
  const { feature, kind, version, mode, affected, inserted, updated, deleted, ms, reason } = outcome
  const counts = [affected, inserted, updated, deleted].map(countText)
  return [feature, kind, version === undefined ? null : `v${version}`, mode, ...counts, secondsText(ms), reason]
}

function parseAsOf(text: string): number {
  const ms = Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/i.test(text) || !text.includes(':') ? text : `${text}Z`)
  if (Number.isNaN(ms)) throw flagsInvalid(`--as-of ${text} is no time`, 'Write 2026-01-31T10:00:00Z')
  return ms
}

async function check(
  invocation: Invocation,
  name: string,
  flags: { readonly sample?: string; readonly all?: boolean },
): Promise<void> {
  if (flags.all === true && flags.sample !== undefined)
    throw flagsInvalid('--all and --sample both say which keys', 'Give one of them')
  const share = flags.sample === undefined ? 1 : parseShare(flags.sample)
  const { lake, definitions } = await openFeatures(invocation)
  const report = await withEngine(invocation, (engine) =>
    checkFeature(lake, engine, findFeature(definitions, name), { share }),
  )
  if (invocation.flags.json) await writeJson(invocation, { schema: 'tributary.feature-check/1', ...report })
  else invocation.words.say(checkWords(report))
  if (report.different + report.missing + report.extra > 0) invocation.end(EXIT.findings)
}

function parseShare(text: string): number {
  const percent = Number(/^(\d+(?:\.\d+)?)\s*%?$/.exec(text)?.[1])
  if (!(percent > 0 && percent <= 100))
    throw flagsInvalid(`--sample ${text} is no share of the keys`, 'Write --sample 1%')
  return percent / 100
}

function checkWords({
  feature,
  version,
  compared,
  different,
  missing,
  extra,
  examples,
  isOtherSql,
}: FeatureCheckReport): string {
  const other = isOtherSql ? '; its file has other SQL than the table was computed by' : ''
  const findings = different + missing + extra
  const words =
    findings === 0
      ? 'all equal'
      : `${countText(different)} differ, ${countText(missing)} missing, ${countText(extra)} too many: ${examples.join(', ')}`
  return `${feature} v${version}: ${countText(compared)} keys compared, ${words}${other}`
}
