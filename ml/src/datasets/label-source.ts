// The column that the label is computed from, used as a feature: at best it is known only afterwards, and then it tells the label.
import type { Engine } from '@tributary/delta'
import { parseQuery } from '@tributary/pipeline'
import type { Definition, Feature } from './definition.ts'
import { type Origin, originsOf } from './origins.ts'
import type { Source } from './sources.ts'
import type { PreparedSpine } from './spine.ts'

/** What is known before a row is read. */
export interface LabelRequest {
  readonly spine: Pick<PreparedSpine, 'text' | 'columns'>
  readonly features: readonly { readonly feature: Feature; readonly source: Source }[]
  /** All tables that were opened. */
  readonly sources: readonly Source[]
}

/** Features that hold what the label is computed from. */
export interface LabelUses {
  /** Columns of tables, in words. */
  readonly from: readonly string[]
  readonly features: readonly string[]
}

/**
 * Columns of the spine and joined columns that are, or are computed from, a column of the label's own row. What the time or the key is made of is
 * known anyway. Undefined where there is no label, or its columns cannot be told.
 */
export async function findLabelUses(
  engine: Engine,
  definition: Definition,
  request: LabelRequest,
): Promise<LabelUses | undefined> {
  const { spine } = definition
  if (spine.label === undefined) return undefined
  const tables = tablesOf(request.sources)
  const columnOrigins = originsOf(await parseQuery(engine, request.spine.text), (table) =>
    tables.get(fullName(tables, table)),
  )
  const known = [spine.at, ...spine.key].flatMap(columnOrigins)
  const origins = columnOrigins(spine.label).filter((origin) => !known.some((other) => isSame(origin, other)))
  if (origins.length === 0) return undefined
  const names = request.spine.columns.map(({ name }) => name)
  const others = names.filter((name) => ![spine.label, spine.at, ...spine.key].includes(name))
  const own = others.filter((name) =>
    columnOrigins(name).some((found) => origins.some((origin) => isSame(found, origin))),
  )
  const joined = request.features.flatMap((one) => joinedColumns(one))
  return {
    from: [...new Set(origins.map(({ table, column }) => `${fullName(tables, table)}.${column}`))],
    features: [...own, ...joined],
  }

  function joinedColumns({ feature, source }: LabelRequest['features'][number]): readonly string[] {
    // A window or a stored feature is made of many rows, and of other rows of the group an asof join may tell the past.
    if (feature.kind !== 'asof' && feature.kind !== 'current') return []
    const table = liveName(source.name)
    const isOfKey = source.key.every((column) => feature.on.some(({ theirs }) => theirs === column))
    if (feature.kind === 'asof' && !isOfKey) return []
    const here = origins.filter((origin) => fullName(tables, origin.table) === table)
    const isOther = feature.on.some(({ ours }) => {
      const from = columnOrigins(ours).filter((origin) => fullName(tables, origin.table) === table)
      return from.length > 0 && !from.some(({ place }) => here.some((origin) => origin.place === place))
    })
    if (isOther) return []
    return feature.select
      .filter((name) => here.some(({ column }) => column === name.toLowerCase()))
      .map((name) => `${feature.as}_${name}`)
  }
}

function isSame(one: Origin, other: Origin): boolean {
  return one.place === other.place && one.column === other.column
}

type Tables = ReadonlyMap<string, ReadonlySet<string>>

/** The columns of tables by their full names; a history and its table are one. */
function tablesOf(sources: readonly Source[]): Tables {
  return new Map(
    sources.map(({ name, snapshot }) => [
      liveName(name),
      new Set(snapshot.schema.fields.map((field) => field.name.toLowerCase())),
    ]),
  )
}

function liveName(name: string): string {
  return name.replace(/__(?:history|periods)$/, '')
}

/** The full name of what a query names: `orders` may mean `shop.orders`. */
function fullName(tables: Tables, table: string): string {
  const name = liveName(table)
  if (tables.has(name)) return name
  const wanted = name.toLowerCase()
  return (
    [...tables.keys()].find((full) => full.toLowerCase() === wanted || full.toLowerCase().endsWith(`.${wanted}`)) ??
    name
  )
}
