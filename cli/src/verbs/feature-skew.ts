import { createReadStream } from 'node:fs'
import { type FeatureSkewReport, featureSkew, findFeature, type SkewExample } from '@tributary/ml'
import { type Command, Option } from 'commander'
import { flagsInvalid } from '../errors.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { tableText, writeJson } from '../list-output.ts'
import { openFeatures } from '../open-features.ts'
import { countText } from '../quantity.ts'
import { withEngine } from '../with-engine.ts'

interface SkewFlags {
  readonly log: string
  readonly output?: 'table' | 'json'
}

/** `feature skew`: what a service answered beside what the feature held then. */
export function addFeatureSkew(command: Command, invocation: Invocation): void {
  command
    .command('skew')
    .description('compare what a service answered with what the feature held then; exit 6 when they differ')
    .argument('<name>', 'a feature that keeps its history')
    .requiredOption('--log <file>', 'a JSON object a line: key, at, and the values that were served; - is stdin')
    .addOption(new Option('-o, --output <format>', 'json is what --json gives').choices(['table', 'json']))
    .addHelpText('after', EXAMPLE)
    .action((name: string, flags: SkewFlags) => skew(invocation, name, flags))
}

const EXAMPLE = `
  {"carrier": "UA", "at": "2026-01-31T10:00:00Z", "departed": 137, "delay": 9.5}    a line of the log`

async function skew(invocation: Invocation, name: string, { log, output }: SkewFlags): Promise<void> {
  const { lake, definitions } = await openFeatures(invocation)
  const definition = findFeature(definitions, name)
  const report = await withEngine(invocation, (engine) =>
    featureSkew(lake, engine, definition, { name: log === '-' ? 'on stdin' : log, chunks: readChunks(log) }),
  )
  if (invocation.flags.json || output === 'json')
    await writeJson(invocation, { schema: 'tributary.feature-skew/1', ...report })
  else await tell(invocation, report)
  if (report.isSkewed) invocation.end(EXIT.findings)
}

async function* readChunks(log: string): AsyncGenerator<string> {
  const stream = log === '-' ? process.stdin.setEncoding('utf8') : createReadStream(log, 'utf8')
  try {
    for await (const chunk of stream) yield String(chunk)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw flagsInvalid(`The log ${log} cannot be read (${why})`, 'Check the path')
  }
}

async function tell(invocation: Invocation, { feature, version, lines, isSkewed, columns }: FeatureSkewReport) {
  const rows = columns.map(({ column, compared, equal, differing, missing, largest, examples }) => [
    column,
    ...[compared, equal, differing, missing].map(countText),
    largest === null ? null : String(Number(largest.toPrecision(4))),
    examples.map(exampleText).join('; '),
  ])
  const names = ['column', 'compared', 'equal', 'differing', 'missing', 'largest', 'such as']
  await invocation.data.write(tableText(invocation, names, rows))
  const verdict = isSkewed
    ? 'what was served is not what the feature held'
    : 'all that was served is what the feature held'
  invocation.words.say(`${feature}, history v${version}: ${countText(lines)} lines, ${verdict}`)
}

function exampleText({ line, served, known }: SkewExample): string {
  return `line ${line}: ${served}, not ${known ?? 'known'}`
}
