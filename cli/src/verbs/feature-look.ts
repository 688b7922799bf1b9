import { readSnapshot } from '@tributary/delta'
import { type FeatureStatus, featureHistory, featureRow, featureStatus, findFeature } from '@tributary/ml'
import { findNamedTable } from '@tributary/pipeline'
import type { Command } from 'commander'
import type { Invocation } from '../invocation.ts'
import { writeList } from '../list-output.ts'
import { openFeatures } from '../open-features.ts'
import { countText, durationText } from '../quantity.ts'
import { addRowFlags, assertWritable, type RowFlags, writeRows } from '../row-output.ts'
import { withEngine } from '../with-engine.ts'

interface KeyFlags extends RowFlags {
  readonly key: string
}

/** The verbs that look: `status`, `get` and `history`. */
export function addFeatureLooks(command: Command, invocation: Invocation): void {
  command
    .command('status')
    .description('how old each feature is, and how it was last refreshed')
    .action(() => status(invocation))
  addRowFlags(command.command('get').description('the row of a key, with its version and age'))
    .argument('<name>', 'a feature')
    .requiredOption('--key <key>', 'the key; parts of a longer one with slashes between')
    .action((name: string, flags: KeyFlags) => look(invocation, name, flags, 'get'))
  addRowFlags(command.command('history').description('the rows that were served for a key, where keep_history is set'))
    .argument('<name>', 'a feature')
    .requiredOption('--key <key>', 'the key; parts of a longer one with slashes between')
    .action((name: string, flags: KeyFlags) => look(invocation, name, flags, 'history'))
}

async function status(invocation: Invocation): Promise<void> {
  const { lake, definitions } = await openFeatures(invocation)
  const readVersion = async (table: string): Promise<number> =>
    (await readSnapshot((await findNamedTable(lake, table)).store)).version
  const items: FeatureStatus[] = []
  for (const definition of definitions) items.push(await featureStatus(lake, definition, readVersion))
  await writeList(invocation, {
    schema: 'tributary.feature-status/1',
    items,
    columns: ['feature', 'state', 'version', 'keys', 'age', 'behind', 'mode', 'why'],
    cells: ({ feature, kind, version, keys, ageMs, behind, lastMode, lastReason }) => [
      feature,
      kind,
      version === undefined ? null : `v${version}`,
      keys === undefined ? null : countText(keys),
      ageMs === undefined ? null : durationText(ageMs),
      Object.entries(behind)
        .map(([table, versions]) => `${table} ${versions}`)
        .join(', '),
      lastMode ?? null,
      lastReason ?? null,
    ],
  })
}

async function look(invocation: Invocation, name: string, flags: KeyFlags, what: 'get' | 'history'): Promise<void> {
  assertWritable(invocation, flags)
  const { lake, definitions } = await openFeatures(invocation)
  const definition = findFeature(definitions, name)
  await withEngine(invocation, async (engine) => {
    const read = what === 'get' ? featureRow : featureHistory
    const { sql, fields, version, state } = await read(engine, lake, definition, flags.key)
    await writeRows(invocation, engine, { sql, fields }, flags)
    if (state !== undefined)
      invocation.words.say(`${definition.name} v${version}, as of ${durationText(lake.clock.now() - state.asOf)} ago`)
  })
}
