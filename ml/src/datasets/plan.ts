// What a build would do, before it does it.
import { type Engine, quoteName } from '@tributary/delta'
import type { Lake } from '@tributary/pipeline'
import type { BuildOptions } from './build.ts'
import type { Definition } from './definition.ts'
import { extract, openCut } from './extract.ts'
import { enoughRows, labelSource } from './guards.ts'
import { SPINE } from './join-sql.ts'
import { describeColumns } from './manifest.ts'
import { openSources, withoutRows } from './sources.ts'
import { LEFT_OUT, partsOf } from './split.ts'

/** What a build would read and give. */
export interface DatasetPlan {
  readonly dataset: string
  /** Rows of the spine, before the sample. */
  readonly rows: number
  /** Rows of each part, and of those that are left out where there are any. */
  readonly parts: Readonly<Record<string, number>>
  readonly until: string | null
  readonly knownUntil: string | null
  readonly sources: readonly { readonly table: string; readonly version: number }[]
  readonly columns: readonly { readonly name: string; readonly type: string; readonly from: string }[]
  readonly warnings: readonly string[]
  /** What of the spine was rewritten so that the order of rows does not show. */
  readonly rewrites: readonly string[]
}

/** Opens the sources and runs the spine. Throws what `buildDataset` throws up to there. */
export async function planDataset(
  lake: Lake,
  engine: Engine,
  definition: Definition,
  options: BuildOptions = {},
): Promise<DatasetPlan> {
  const fork = await engine.fork()
  try {
    const sources = openSources(lake, options.versions ?? new Map())
    const opened = await openCut(fork, sources, definition, { untilMs: options.untilMs })
    const { knownUntil, untilMs, labelUses, rewrites, findings, parts } = opened
    const [row] = await fork.all(`SELECT count(*) AS n FROM ${quoteName(SPINE)}`)
    const told = [...findings, enoughRows(definition, parts), ...labelSource(definition, labelUses)]
    // The build itself, on nothing, tells what columns it will give.
    await fork.run(`DELETE FROM ${quoteName(SPINE)}`)
    const { fields, origins } = await extract(fork, withoutRows(sources), definition, opened)
    return {
      dataset: definition.name,
      rows: Number(row?.['n']),
      until: untilMs === undefined ? null : new Date(untilMs).toISOString(),
      knownUntil: knownUntil ?? null,
      sources: sources.all().map(({ name, snapshot }) => ({ table: name, version: snapshot.version })),
      columns: describeColumns(fields, origins),
      rewrites,
      parts: Object.fromEntries(
        [...partsOf(definition.split), ...LEFT_OUT.filter((name) => parts.has(name))].map((name) => [
          name,
          parts.get(name) ?? 0,
        ]),
      ),
      warnings: [
        ...definition.features.flatMap((feature) =>
          feature.kind === 'current' ? [`${feature.table} is read as it is now, not as it was known`] : [],
        ),
        ...told.flatMap(({ outcome, message }) => (outcome === 'passed' ? [] : [message])),
      ],
    }
  } finally {
    await fork.close()
  }
}
