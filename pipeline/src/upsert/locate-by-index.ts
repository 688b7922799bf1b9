import { type AppendValue, duckdbType, quoteText, type Snapshot } from '@tributary/delta'
import type { IndexedOrder } from '../key-index/find-rows.ts'
import type { IndexHolder } from '../key-index/index-folder.ts'
import { HALVES, hashSql, isIndexable } from '../key-index/key-hash.ts'
import { bringIndex, type KeyIndex } from '../key-index/key-index.ts'
import type { IndexedColumn, IndexSubject } from '../key-index/manifest.ts'
import { hashesOf } from '../key-index/write-entries.ts'
import { fieldOf, nameList, type TableShape } from './batch.ts'
import type { UpsertParts } from './target.ts'

/**
 * As `locateRows`, without reading the table: table `located` from the key index. Undefined when the index cannot tell: there is none, it is
 * of another version, or the order of changes is asked for and it keeps none.
 */
export async function locateByIndex(
  { engine, clock, index: holder }: Pick<UpsertParts, 'engine' | 'clock'> & { readonly index: IndexHolder },
  {
    snapshot,
    shape,
    guard,
    keysFrom,
  }: {
    readonly snapshot: Snapshot
    readonly shape: TableShape
    readonly guard: boolean
    readonly keysFrom: string
  },
): Promise<number | undefined> {
  const subject = subjectOf(snapshot, shape)
  if (subject === undefined || (guard && subject.sequence === null)) return undefined
  // It is being built, or brought over many rows: a scan takes less time than what is left of that.
  if (holder.building !== undefined) return undefined
  await holder.following
  const state = await bringIndex({ engine, clock }, holder, { snapshot, subject })
  if (state.kind === 'unusable') return undefined
  const located =
    state.kind === 'ready' ? await ask(engine, state.index, { shape, subject, guard, keysFrom }) : undefined
  if (located === undefined) holder.missed = subject
  return located
}

async function ask(
  engine: UpsertParts['engine'],
  index: KeyIndex,
  {
    shape,
    subject,
    guard,
    keysFrom,
  }: {
    readonly shape: TableShape
    readonly subject: IndexSubject
    readonly guard: boolean
    readonly keysFrom: string
  },
): Promise<number | undefined> {
  // In the order of the hashes, so that each key's number is its place in the question.
  await engine.run(`CREATE OR REPLACE TEMP TABLE asked AS
    SELECT *, row_number() OVER (ORDER BY "__hash") - 1 AS "__at"
    FROM (SELECT DISTINCT ${nameList(shape.key, 'k')}, ${hashSql(subject.key, index.salt, 'k')} AS "__hash" FROM ${keysFrom} k)`)
  const files = numbering()
  const answers: (readonly AppendValue[])[] = []
  let asked = 0
  for await (const part of engine.streamVectors(
    `SELECT ${HALVES} FROM (SELECT "__hash" AS h, "__at" FROM asked) ORDER BY "__at"`,
  )) {
    const rows = await index.find(hashesOf(part))
    if (rows === undefined) return undefined
    for (const { at, path, position, order } of rows)
      answers.push(
        guard ? [asked + at, files.of(path), position, ...orderValues(order)] : [asked + at, files.of(path), position],
      )
    asked += part.rowCount
  }
  const order = guard ? ['__file', '__row', '__text'] : []
  await engine.run(
    `CREATE OR REPLACE TEMP TABLE answered ("__at" BIGINT, "__number" BIGINT, "__position" BIGINT${
      guard ? ', "__file" VARCHAR, "__row" BIGINT, "__text" VARCHAR' : ''
    })`,
  )
  await engine.append('answered', ['__at', '__number', '__position', ...order], answers)
  const guarded = guard ? `, CAST(a."__text" AS ${sequenceType(shape)}) AS "__seq", a."__file", a."__row"` : ''
  const paths = files.names().map((path, number) => `(${quoteText(path)}, ${number})`)
  const [created] = await engine.all(`CREATE OR REPLACE TEMP TABLE located AS
    SELECT ${nameList(shape.key, 'k')}, p.path AS "__path", a."__position"${guarded} FROM answered a JOIN asked k ON k."__at" = a."__at"
    JOIN (VALUES ${paths.length === 0 ? "('', 0)" : paths.join(', ')}) p(path, number) ON p.number = a."__number"`)
  return Number(created?.['Count'] ?? 0)
}

function orderValues(order: IndexedOrder | undefined): readonly AppendValue[] {
  if (order?.landingFile === undefined) return [null, null, order?.sequence ?? null]
  return [order.landingFile, order.row, order.sequence]
}

/** Numbers for names, in the order in which they are met. */
function numbering(): { readonly of: (name: string) => number; readonly names: () => readonly string[] } {
  const numbers = new Map<string, number>()
  return {
    of: (name) => {
      const number = numbers.get(name) ?? numbers.size
      numbers.set(name, number)
      return number
    },
    names: () => [...numbers.keys()],
  }
}

// Columns of `asked`.
const OURS = /^__(?:hash|at)$/i

/** What an index of that table is about; undefined when its keys cannot be indexed. */
function subjectOf({ store, metadata }: Snapshot, shape: TableShape): IndexSubject | undefined {
  // Names change hands where columns are mapped; what the files call a column does not.
  const typed = (name: string): IndexedColumn => {
    const { type, metadata: facts } = fieldOf(shape, name)
    return [name, String(type), String(facts['delta.columnMapping.physicalName'] ?? name)]
  }
  const key = shape.key.map(typed)
  if (!key.every(([name, type]) => isIndexable(type) && !OURS.test(name))) return undefined
  return {
    url: store.url,
    tableId: metadata.id,
    key,
    sequence: shape.sequence === undefined ? null : typed(shape.sequence),
  }
}

function sequenceType(shape: TableShape): string {
  return shape.sequence === undefined ? 'VARCHAR' : duckdbType(fieldOf(shape, shape.sequence).type)
}
