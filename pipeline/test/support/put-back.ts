// A worker that lives on while somebody else puts the lake back from a backup, or deletes it, and other processes take files in.
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { checkTable } from '../../src/inspect/check.ts'
import { ingest } from '../../src/worker/ingest.ts'
import type { Lake } from '../../src/worker/lake.ts'
import type { TableSession } from '../../src/worker/table-session.ts'
import { indexIn, rowsOf, TABLE } from './index-pair.ts'
import { lakeIn, openWorkplace, put, type Workplace } from './workplace.ts'

/** A landing and its lake, and what the table has to hold when all files are taken in. */
export interface LiveLake {
  readonly place: Workplace
  /** Puts the next file of changes, each `op,id`. */
  readonly land: (changes: readonly string[]) => Promise<void>
  /** The worker takes in what waits, and finds the table as it has to be. */
  readonly work: () => Promise<void>
  /** A process that comes once does so. */
  readonly workElsewhere: () => Promise<void>
  readonly backUp: () => void
  readonly putBack: () => void
  readonly remove: () => void
}

export async function openLiveLake({
  withIndex,
  withHistory = false,
}: {
  readonly withIndex: boolean
  readonly withHistory?: boolean
}): Promise<LiveLake> {
  const place = await openWorkplace()
  const table = `{key: [id], columns: {id: long, note: string}, history: ${withHistory}}`
  const config = `landing: landing\nlake: lake\ndms: {DataFormat: csv, AddColumnName: true}\ntables: {${TABLE}: ${table}}\n`
  const worker = await lakeIn(join(place.folder, 'project'), config, withIndex ? indexIn(place) : {})
  const other = await lakeIn(join(place.folder, 'project'), config)
  const history = withHistory ? { history: other.tableStore(`${TABLE}__history`) } : {}
  const sessions = new Map<string, TableSession>()
  const live = new Map<number, string>()
  let files = 0
  const take = async (lake: Lake, own: Parameters<typeof ingest>[2]): Promise<void> => {
    const { tables } = await ingest(lake, place.engine, own)
    expect(tables.map(({ stopped }) => stopped)).toEqual([null])
    for (const { index } of sessions.values()) await index?.building
    const wanted = [...live].map(([id, note]) => `${id}=${note}`).toSorted()
    expect(await rowsOf(place, other)).toEqual(wanted)
    expect((await checkTable(place.engine, other.tableStore(TABLE), history)).findings).toEqual([])
  }
  const [lake, backup] = [join(place.folder, 'project/lake'), join(place.folder, 'backup')]
  return {
    place,
    land: async (changes) => {
      files += 1
      const name = files === 1 ? 'LOAD00000001.csv' : `20260101-${String(files).padStart(9, '0')}.csv`
      for (const change of changes) {
        const [op, id] = change.split(',')
        if (op === 'D') live.delete(Number(id))
        else live.set(Number(id), `n${files}`)
      }
      const lines = changes.map((change) => `${change},n${files}\n`)
      await put(join(place.folder, 'project'), `shop/orders/${name}`, `Op,id,note\n${lines.join('')}`)
    },
    work: () => take(worker, { sessions }),
    workElsewhere: () => take(other, {}),
    backUp: () => {
      rmSync(backup, { recursive: true, force: true })
      cpSync(lake, backup, { recursive: true, preserveTimestamps: true })
    },
    putBack: () => {
      rmSync(lake, { recursive: true })
      cpSync(backup, lake, { recursive: true, preserveTimestamps: true })
    },
    remove: () => rmSync(lake, { recursive: true }),
  }
}

/** Changes of the same kind to a range of keys. */
export function changesOf(op: 'I' | 'U' | 'D', from: number, to: number): readonly string[] {
  return Array.from({ length: to - from + 1 }, (_, at) => `${op},${from + at}`)
}
