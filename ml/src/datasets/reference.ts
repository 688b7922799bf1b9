// A new dataset against the one that its definition compares it with. A drift is no fault of the rows, so it is told and stops nothing.
import { attachStore, type Engine, TributaryError } from '@tributary/delta'
import type { Lake } from '@tributary/pipeline'
import type { Definition } from './definition.ts'
import { driftOfRows } from './drift.ts'
import { type Extracted, partSql } from './extract.ts'
import type { GuardFinding, Manifest } from './manifest.ts'
import { findDataset } from './published.ts'
import { partsOf } from './split.ts'
import { storedRows } from './stored.ts'

/** Which columns drifted from `stats.reference`; nothing where there is none. Throws `DATASET_NOT_FOUND` for one that is named by its id. */
export async function compareWithReference(
  lake: Lake,
  engine: Engine,
  { name, spine, split, stats }: Definition,
  extracted: Extracted,
): Promise<readonly GuardFinding[]> {
  if (stats.reference === undefined) return []
  const found = await findReference(lake, stats.reference)
  if (found === undefined)
    return [
      { guard: 'drift', outcome: 'passed', message: `no dataset ${stats.reference} is there yet to be compared with` },
    ]
  await attachStore(engine, lake.root)
  const reference = { name: `${found.name}@${found.id}`, ...(await storedRows(lake, engine, found)) }
  const sql = partsOf(split)
    .map((part) => partSql(extracted, part))
    .join(' UNION ALL ')
  const { columns } = await driftOfRows(
    engine,
    { reference, compared: { name, sql, fields: extracted.fields } },
    { ...stats, left: [...found.key, found.at, ...spine.key, spine.at] },
  )
  const drifted = columns.filter(({ verdict }) => verdict === 'drifted').map(({ column }) => column)
  return [
    drifted.length === 0
      ? {
          guard: 'drift',
          outcome: 'passed',
          message: `none of ${columns.length} columns drifted from ${reference.name}`,
        }
      : {
          guard: 'drift',
          outcome: 'warned',
          message: `${drifted.length} of ${columns.length} columns drifted from ${reference.name}: ${drifted.join(', ')}`,
        },
  ]
}

/** The first dataset of a name has none before it. */
async function findReference(lake: Lake, text: string): Promise<Manifest | undefined> {
  try {
    return await findDataset(lake, text)
  } catch (error) {
    const isNewest = !text.includes('@') || text.endsWith('@latest')
    if (isNewest && error instanceof TributaryError && error.code === 'DATASET_NOT_FOUND') return undefined
    throw error
  }
}
