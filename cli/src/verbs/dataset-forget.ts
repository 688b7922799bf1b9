import { findHolders, type Holder, redactDataset } from '@tributary/ml'
import type { Command } from 'commander'
import { flagsInvalid } from '../errors.ts'
import type { Invocation } from '../invocation.ts'
import { writeList } from '../list-output.ts'
import { openProject } from '../open-table.ts'
import { countText } from '../quantity.ts'
import { withEngine } from '../with-engine.ts'
import { DATASET_MEMORY_MIB } from './dataset-build.ts'

interface ForgetFlags {
  readonly key: string
  readonly column?: string
}

/** `dataset forget`: which datasets hold rows of a key, and with `--yes` their erasure. */
export function addDatasetForget(command: Command, invocation: Invocation): void {
  command
    .command('forget')
    .description('list the datasets that hold rows of a key; with --yes take these rows out for good')
    .requiredOption('--key <value>', 'the key of a row, its values with commas between; with --column a value of it')
    .option('--column <name>', 'rows with that value in this column, whatever their key')
    .action((flags: ForgetFlags) => forget(invocation, flags))
}

async function forget(invocation: Invocation, { key, column }: ForgetFlags): Promise<void> {
  if (key === '') throw flagsInvalid('--key is empty', 'Give the key of the rows to be taken out')
  const lake = await openProject(invocation)
  const erasure = { key, ...(column === undefined ? {} : { column }) }
  await withEngine(
    invocation,
    async (engine) => {
      const holders = await findHolders(lake, engine, erasure)
      await writeList(invocation, {
        schema: 'tributary.dataset-forget/1',
        items: holders.map(itemOf),
        columns: ['dataset', 'id', 'rows'],
        cells: ({ name, id, rows }) => [name, id, countText(rows)],
      })
      if (holders.length === 0) return invocation.words.say('no dataset holds such rows')
      const rows = holders.reduce((sum, holder) => sum + holder.rows, 0)
      if (!invocation.flags.yes)
        return invocation.words.say(
          `${countText(rows)} rows in ${holders.length} datasets. --yes deletes them for good, and what was exported of these datasets`,
        )
      for (const { manifest } of holders) await redactDataset(lake, engine, manifest, erasure)
      invocation.words.say(
        `${countText(rows)} rows deleted. The tables that the datasets were made of keep theirs, in older versions and in histories: delete and vacuum there too`,
      )
    },
    { memoryMiB: DATASET_MEMORY_MIB },
  )
}

function itemOf({ manifest: { name, id }, rows }: Holder) {
  return { name, id, rows }
}
