import { setImmediate } from 'node:timers/promises'
import { type AppendValue, duckdbType, quoteText, type Snapshot } from '@tributary/delta'
import { sliceHashes } from '../key-index/entry.ts'
import type { IndexedOrder } from '../key-index/find-rows.ts'
import type { IndexHolder } from '../key-index/index-folder.ts'
import { HALVES, hashSql, isIndexable } from '../key-index/key-hash.ts'
import { bringIndex, type KeyIndex } from '../key-index/key-index.ts'
import type { IndexedColumn, IndexSubject } from '../key-index/manifest.ts'
import { hashesOf } from '../key-index/write-entries.ts'
import { fieldOf, nameList, type TableShape } from './batch.ts'
import type { FoundKeys, KeyQuestion, UpsertParts } from './target.ts'

/** Rows that the index found. */
export interface IndexedPlaces {
  readonly rows: number
  /** Their positions by file. */
  readonly positions: ReadonlyMap<string, readonly number[]>
  /** All keys that were asked for; only where that was wanted. */
  readonly found: readonly FoundKeys[]
}

/**
 * As `locateRows`, without reading the table: table `located` from the key index. Undefined when the index cannot tell: there is none, it is
 * of another version, or the order of changes is asked for and it keeps none.
 */
export async function locateByIndex(
  { engine, clock, index: holder }: Pick<UpsertParts, 'engine' | 'clock'> & { readonly index: IndexHolder },
  { snapshot, shape, ...question }: KeyQuestion & { readonly snapshot: Snapshot; readonly shape: TableShape },
): Promise<IndexedPlaces | undefined> {
  const { guard } = question
  const subject = subjectOf(snapshot, shape)
  if (subject === undefined || (guard && subject.sequence === null)) return undefined
  // It is being built, or brought over many rows: a scan takes less time than what is left of that.
  if (holder.building !== undefined) return undefined
  await holder.following
  const state = await bringIndex({ engine, clock }, holder, { snapshot, subject })
  if (state.kind === 'unusable') return undefined
  const located = state.kind === 'ready' ? await ask(engine, state.index, { shape, subject, ...question }) : undefined
  if (located === undefined) holder.missed = subject
  return located
}

// Some milliseconds.
const KEYS_A_STRETCH = 512

async function ask(
  engine: UpsertParts['engine'],
  index: KeyIndex,
  { shape, subject, ...question }: KeyQuestion & { readonly shape: TableShape; readonly subject: IndexSubject },
): Promise<IndexedPlaces | undefined> {
  const { guard, keysFrom, byIndex } = question
  // Materialized, not streamed: the engine is free for whoever works meanwhile.
  const parts = await engine.vectors(`SELECT ${HALVES}, id::UBIGINT, tag::UBIGINT FROM (
    SELECT ${hashSql(subject.key, index.salt, 'k')} AS h, ${byIndex === undefined ? ROW_ID : 'k."__n"'} AS id, ${byIndex?.tag ?? '0'} AS tag
    FROM ${keysFrom} k) ORDER BY h`)
  byIndex?.meanwhile()
  const files = numbering()
  const answers: (readonly AppendValue[])[] = []
  const found: FoundKeys[] = []
  let rows = 0
  for (const part of parts) {
    const [ids, isFound] = [part.numbers(2), new Uint8Array(part.rowCount)]
    for (const { hashes, from } of sliceHashes(hashesOf(part), KEYS_A_STRETCH)) {
      const indexed = await index.find(hashes)
      if (indexed === undefined) return undefined
      rows += indexed.length
      for (const { at, path, position, order } of indexed) {
        isFound[from + at] = 1
        const place = [ids[from + at] ?? null, files.take(path, position), position]
        if (byIndex === undefined) answers.push(guard ? [...place, ...orderValues(order)] : place)
      }
      // Reading the index occupies this thread: whoever waits for DuckDB has his turn in between.
      await setImmediate()
    }
    if (byIndex !== undefined) found.push({ rows: ids, tags: part.numbers(3), isFound })
  }
  if (byIndex === undefined)
    await writeLocated(engine, { shape, answers, files: [...files.positions.keys()] }, question)
  return { rows, positions: files.positions, found }
}

/** Table `located` from what the index answered: row of the question, number of the file, position, and the order with `guard`. */
async function writeLocated(
  engine: UpsertParts['engine'],
  {
    shape,
    answers,
    files,
  }: {
    readonly shape: TableShape
    readonly answers: readonly (readonly AppendValue[])[]
    readonly files: readonly string[]
  },
  { guard, keysFrom }: KeyQuestion,
): Promise<void> {
  const order = guard ? ['__file', '__row', '__text'] : []
  await engine.run(
    `CREATE OR REPLACE TEMP TABLE answered ("__id" BIGINT, "__number" INTEGER, "__position" BIGINT${
      guard ? ', "__file" VARCHAR, "__row" BIGINT, "__text" VARCHAR' : ''
    })`,
  )
  await engine.append('answered', ['__id', '__number', '__position', ...order], answers)
  const guarded = guard ? `, CAST(a."__text" AS ${sequenceType(shape)}) AS "__seq", a."__file", a."__row"` : ''
  const paths = files.map((path, number) => `(${quoteText(path)}, ${number})`)
  await engine.run(`CREATE OR REPLACE TEMP TABLE located AS
    SELECT ${nameList(shape.key, 'k')}, p.path AS "__path", a."__position"${guarded} FROM answered a JOIN ${keysFrom} k ON ${ROW_ID} = a."__id"
    JOIN (VALUES ${paths.length === 0 ? "('', 0)" : paths.join(', ')}) p(path, number) ON p.number = a."__number"`)
}

/** SQL of a number for a row of the question `k`. */
const ROW_ID = '(k."__n" << 1 | k."__sub")'

function orderValues(order: IndexedOrder | undefined): readonly AppendValue[] {
  if (order?.landingFile === undefined) return [null, null, order?.sequence ?? null]
  return [order.landingFile, order.row, order.sequence]
}

/** Positions by file, and a number for each file in the order in which they are met. */
function numbering(): {
  readonly take: (path: string, position: number) => number
  readonly positions: ReadonlyMap<string, readonly number[]>
} {
  const files = new Map<string, { readonly number: number; readonly positions: number[] }>()
  const positions = new Map<string, number[]>()
  return {
    positions,
    take: (path, position) => {
      let file = files.get(path)
      if (file === undefined) {
        file = { number: files.size, positions: [] }
        files.set(path, file)
        positions.set(path, file.positions)
      }
      file.positions.push(position)
      return file.number
    },
  }
}

/** What an index of that table is about; undefined when its keys cannot be indexed. */
function subjectOf({ store, metadata }: Snapshot, shape: TableShape): IndexSubject | undefined {
  // Names change hands where columns are mapped; what the files call a column does not.
  const typed = (name: string): IndexedColumn => {
    const { type, metadata: facts } = fieldOf(shape, name)
    return [name, String(type), String(facts['delta.columnMapping.physicalName'] ?? name)]
  }
  const key = shape.key.map(typed)
  if (!key.every(([, type]) => isIndexable(type))) return undefined
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
