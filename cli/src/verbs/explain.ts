import { systemClock } from '@tributary/delta'
import { type Explanation, explainCommit, resolveVersion } from '@tributary/pipeline'
import type { Command } from 'commander'
import type { Invocation } from '../invocation.ts'
import { writeJson } from '../list-output.ts'
import { openUpkeep } from '../open-upkeep.ts'
import { bytesText, countText, secondsText } from '../quantity.ts'

/** `explain`: what a commit cost and why, and what upkeep would do now. */
export function addExplain(command: Command, invocation: Invocation): void {
  command
    .argument('<table>', 'a configured table or the path of any Delta table')
    .argument('[version]', 'v121, 121, or a time; the newest unless given')
    .action((name: string, version: string | undefined) => run(invocation, name, version))
}

async function run(invocation: Invocation, name: string, text: string | undefined): Promise<void> {
  const { name: table, store, lake } = await openUpkeep(invocation, name)
  const version = text === undefined ? undefined : await resolveVersion(store, text, { nowMs: systemClock.now() })
  const upkeep = lake?.config.tables.find((config) => config.name === table)?.upkeep ?? true
  const explanation = await explainCommit({ name: table, store, upkeep }, version === undefined ? {} : { version })
  if (invocation.flags.json) return writeJson(invocation, explanation)
  await invocation.data.write(explanationText(explanation))
}

/** The explanation in words. */
export function explanationText(explanation: Explanation): string {
  const lines = [
    headline(explanation),
    ...stepLines(explanation),
    ...touchedLines(explanation),
    ...paceLines(explanation),
    ...upkeepLines(explanation),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function headline({ version, operation, took, changes, sourceFiles, write }: Explanation): string {
  const what = `v${version} ${operation ?? 'commit'}`
  const time = took === null ? '' : ` took ${secondsText(took.readMs + took.findMs + took.writeMs)}`
  if (operation === 'OPTIMIZE')
    return `${what}: ${filesText(write.filesRemoved)} became ${countText(write.filesAdded)}, ${bytesText(write.removedBytes)} became ${bytesText(write.rowBytes)}; no row changed.`
  if (changes === null) return `${what}${time}.`
  const { inserted, updated, deleted } = changes
  return `${what}${time}: ${countText(inserted + updated + deleted)} rows from ${filesText(sourceFiles)}, +${countText(inserted)} ~${countText(updated)} -${countText(deleted)}.`
}

function stepLines({ took, find, write, operation }: Explanation): readonly string[] {
  const step = (name: string, ms: number | undefined, text: string): string =>
    ` ${name.padEnd(6)} ${(ms === undefined ? '' : secondsText(ms)).padStart(7)}  ${text}`.trimEnd()
  const rows = write.rowsAdded === null ? 'rows' : `${countText(write.rowsAdded)} rows`
  const written = [
    write.filesAdded === 0 ? 'no row' : `${rows} in ${filesText(write.filesAdded)} (${bytesText(write.rowBytes)})`,
    ...(write.vectors === 0 ? [] : [`${vectorsText(write.vectors)} (${bytesText(write.vectorBytes)})`]),
    ...(write.filesRemoved === 0 || operation === 'OPTIMIZE' ? [] : [`${filesText(write.filesRemoved)} removed`]),
    `${bytesText(write.logBytes)} of log`,
  ]
  return [
    ...(took === null ? [] : [step('read', took.readMs, 'the change files')]),
    ...(find === null ? [] : [step('find', took?.findMs, findText(find))]),
    step('write', took?.writeMs, written.join(', ')),
  ]
}

function findText({ filesLive, filesLeft, by }: NonNullable<Explanation['find']>): string {
  const live = filesText(filesLive)
  if (filesLive === 0) return 'the table had no rows'
  if (by === 'statistics') return `${live}: statistics rule all of them out`
  const how = by === 'key index' ? 'asked of the key index' : 'their keys were scanned'
  return filesLeft === filesLive
    ? `${live} may hold the keys: ${how}`
    : `${live} → ${countText(filesLeft)} by statistics: ${how}`
}

function touchedLines({ touched }: Explanation): readonly string[] {
  return touched.slice(0, 3).map(({ path, rows, newlyDead, dead }) => {
    const share = rows === null || rows === 0 ? '' : `, ${percentText(dead / rows)} of its rows by now`
    return `   -${countText(newlyDead)} in ${path}${share}`
  })
}

function paceLines({ slowerThan }: Explanation): readonly string[] {
  if (slowerThan === null) return []
  return [`Slower than ${percentText(slowerThan.share)} of the ${countText(slowerThan.of)} batches before it.`]
}

function upkeepLines({ table, upkeep }: Explanation): readonly string[] {
  const { by, orderBy, pieces, filesTooLarge } = upkeep
  const due = pieces.map(({ why, rows, files, bytes, deadRows }) => {
    const sorted = rows === 'sorted' ? `, sorted by ${orderBy.join(', ')}` : ''
    return why === 'small files'
      ? `${countText(files)} small files of about one size, ${bytesText(bytes)}, become one${sorted}`
      : `${filesText(files)} ${files === 1 ? 'loses' : 'lose'} ${countText(deadRows)} deleted rows, ${bytesText(bytes)} to rewrite${sorted}`
  })
  if (filesTooLarge > 0)
    due.push(`${filesText(filesTooLarge)} with many deleted rows are too large to be rewritten beside batches`)
  if (due.length === 0) return [`Upkeep: nothing to do${waitText(upkeep)}.`]
  const isSeenTo = by === 'ingest' && filesTooLarge === 0
  return [
    ...due.map((line) => `Upkeep: ${line}.`),
    ...(by === 'ingest' && !isSeenTo ? [] : [WHO[by]]),
    `→ tributary optimize ${table}${isSeenTo ? '' : ' --dry-run'}`,
  ]
}

const WHO: Readonly<Record<Explanation['upkeep']['by'], string>> = {
  ingest: 'The next ingest does it; now:',
  off: 'It is off in tributary.yaml.',
  foreign: 'Tributary does not feed this table.',
}

function waitText(upkeep: Explanation['upkeep']): string {
  const { tiers, deadShareMax, deadShareDue, vectorCostMax, vectorCostDue, deadRowsDue } = upkeep
  const [fullest] = tiers.toSorted((left, right) => right.files - left.files)
  const waits = [
    ...(fullest === undefined
      ? []
      : [
          `${countText(fullest.files)} of ${fullest.filesDue} files of ${countText(fullest.rowsFrom)} to ${countText(fullest.rowsBelow - 1)} rows`,
        ]),
    ...(deadShareMax === 0
      ? []
      : [`at most ${percentText(deadShareMax)} of a file is deleted, ${percentText(deadShareDue)} are rewritten`]),
    ...(vectorCostMax === 0
      ? []
      : [
          `deletion vectors have come to ${vectorCostMax.toFixed(2)} of what it takes to rewrite their file, which is done at ${vectorCostDue.toFixed(2)}`,
        ]),
    ...(deadShareMax < deadShareDue && vectorCostMax < vectorCostDue
      ? []
      : [`for fewer than ${countText(deadRowsDue)} deleted rows none is rewritten`]),
  ]
  return waits.length === 0 ? '' : ` (${waits.join('; ')})`
}

function filesText(count: number): string {
  return `${countText(count)} ${count === 1 ? 'file' : 'files'}`
}

function vectorsText(count: number): string {
  return `${countText(count)} deletion ${count === 1 ? 'vector' : 'vectors'}`
}

function percentText(share: number): string {
  const percent = share * 100
  return `${percent >= 10 || percent === 0 ? Math.round(percent) : Number(percent.toPrecision(1))} %`
}
