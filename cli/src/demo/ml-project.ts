// The project of the training demo: definitions of features and datasets that lie in `ml/`, cut to the days that are played, and the datasets
// whose inputs are known later.
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { endOfDays } from './flights-landing.ts'

/** The set that knows what was known, and the one that people build by hand. */
export const KNOWN = 'late_flights'
export const NAIVE = 'late_flights_naive'
/** So many hours late the inputs of the other sets are. */
export const STALE_HOURS = [1, 6, 24] as const
/** All days but the last, which comes after the model was asked. */
export const YEAR_DAYS = 364

/** The set whose inputs are known so many hours late. */
export function staleName(hours: number): string {
  return `${KNOWN}_${hours}h_late`
}

/** Writes `features/` and `datasets/` of the project. */
export async function writeDefinitions(parts: string, folder: string, days: number): Promise<void> {
  await cp(join(parts, 'features'), join(folder, 'features'), { recursive: true })
  await mkdir(join(folder, 'datasets'), { recursive: true })
  const write = (name: string, text: string): Promise<void> => writeFile(join(folder, 'datasets', `${name}.yml`), text)
  for (const name of [KNOWN, NAIVE]) {
    const text = withDays(await readFile(join(parts, 'datasets', `${name}.yml`), 'utf8'), days)
    await write(name, text)
    if (name === KNOWN) for (const hours of STALE_HOURS) await write(staleName(hours), staleText(text, hours))
  }
}

/** Takes from a definition the guard against a column that tells the label. */
export async function writeUnguarded(folder: string, name: string): Promise<void> {
  const path = join(folder, 'datasets', `${name}.yml`)
  await writeFile(path, (await readFile(path, 'utf8')).replace(/max_single_feature_auc: [\d.]+, /, ''))
}

/** A definition for the first days of the year: two thirds to learn from, a tenth to choose by, the rest to judge by. */
export function withDays(text: string, days: number): string {
  if (days === YEAR_DAYS) return text
  const bounds = [Math.ceil(days * 0.66), Math.ceil(days * 0.76), days].map((day) => `"< ${timeOf(endOfDays(day))}"`)
  return text.replace(/^split: .*$/m, `split: {by: time, train: ${bounds[0]}, val: ${bounds[1]}, test: ${bounds[2]}}`)
}

/**
 * The definition of the same rows by what was known so many hours before: all inputs are as a pipeline that runs so late would have served them.
 * The time of a row moves, and the bounds between the parts with it. Guards have looked at the same columns before.
 */
export function staleText(text: string, hours: number): string {
  return text
    .replace(/^dataset: .*$/m, `dataset: ${staleName(hours)}`)
    .replace('INTERVAL 2 HOUR AS "at"', `INTERVAL ${2 + hours} HOUR AS "at"`)
    .replace(/^guards: .*$/m, 'guards: {duplicate_rows: off}')
    .replace(/^split: .*$/m, (line) =>
      line.replaceAll(/"< (.*?)"/g, (_, bound: string) => `"< ${earlier(bound, hours)}"`),
    )
}

/** The bound of a split, so many hours earlier; a date is its midnight in UTC. */
function earlier(bound: string, hours: number): string {
  const ms = Date.parse(bound.includes(':') ? bound.replace(' ', 'T') : bound)
  return `${new Date(ms - hours * 3_600_000).toISOString().slice(0, 19).replace('T', ' ')}Z`
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10)
}
