// Some days of real flights, delivered once a day: files that come late, rows that are deleted, and a feature refreshed after each delivery.
// The clock is the data's, so that the lake believes to have learned everything in January 2013.
import { cp, mkdir, readFile, rename, utimes, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type Clock, type Engine, localStore, openEngine, systemClock } from '@tributary/delta'
import { findFeature, readFeatures, refreshFeature } from '@tributary/ml'
import { ingest, type Lake, openLake, readConfig } from '@tributary/pipeline'
import { clockedStore } from '../../delta/test/store/clocked-store.ts'
import { type FlightsStep, writeFlights } from '../src/demo/flights-landing.ts'
import { flightsConfig } from '../src/demo/flights-project.ts'

const DATA = join(import.meta.dirname, '../../.venv/flights')
export const AUDIT = join(import.meta.dirname, '../../examples/audit')
const HOUR_MS = 3_600_000
const EVERY_MS = 24 * HOUR_MS
/** Of so many files of flights one comes a delivery late. */
const LATE_EVERY = 3
const TABLES = ['flights', 'weather', 'planes']

/** A lake that took in the flights, and when it took in which file. */
export interface AuditWorld {
  readonly folder: string
  readonly landing: string
  readonly deliveries: string
  readonly lake: Lake
}

/** Plays the days into a project below `folder`. */
export async function playFlights(
  engine: Engine,
  folder: string,
  { days }: { readonly days: number },
): Promise<AuditWorld> {
  await cp(AUDIT, folder, { recursive: true })
  let nowMs = 0
  const clock: Clock = { ...systemClock, now: () => nowMs }
  const landing = join(folder, 'landing/out/nyc')
  const delivered: string[] = ['table,file,ingested_at']
  const room = waitingRoom(folder)
  const sessions = new Map()
  let lake: Lake | undefined

  const deliver = async (atMs: number): Promise<void> => {
    nowMs = atMs
    lake ??= await openProject(folder, clock)
    for (const path of await room.release(atMs)) {
      const [table, name] = [basename(dirname(path)), basename(path)]
      await mkdir(join(landing, table), { recursive: true })
      await rename(path, join(landing, table, name))
      delivered.push(`${table},${name},${textOf(atMs)}`)
    }
    const { tables } = await ingest(lake, engine, { sessions })
    const stopped = tables.find((table) => table.stopped !== null)
    if (stopped !== undefined) throw new Error(`${stopped.table}: ${stopped.stopped?.message}`)
    await refreshFeature(lake, engine, findFeature(await readFeatures(localStore(folder)), 'carrier_day'))
  }

  const source = await openEngine({ threads: 1, memoryMiB: 512 })
  try {
    let nextMs: number | undefined
    for await (const step of writeFlights(
      source,
      { data: DATA, folder: join(folder, 'source') },
      { days, minuteHours: 0 },
    )) {
      const untilMs = Date.parse(step.until)
      while (nextMs !== undefined && untilMs > nextMs) {
        await deliver(nextMs)
        nextMs += EVERY_MS
      }
      await room.keep(step)
      if (nextMs === undefined) {
        await deliver(untilMs)
        nextMs = untilMs + EVERY_MS
      }
    }
    // The last files, and those that are late.
    await deliver(nextMs ?? 0)
    await deliver((nextMs ?? 0) + EVERY_MS)
  } finally {
    await source.close()
  }
  if (lake === undefined) throw new Error('the generator writes at least the load')
  const deliveries = join(folder, 'deliveries.csv')
  await writeFile(deliveries, `${delivered.join('\n')}\n`)
  return { folder, landing, deliveries, lake }
}

async function openProject(folder: string, clock: Clock): Promise<Lake> {
  const config = flightsConfig()
    .replaceAll(/\n {4}history: \w+/g, '')
    .replaceAll('sequence: change_seq', 'sequence: change_seq\n    history: true')
  await writeFile(join(folder, 'tributary.yaml'), config)
  return openLake(await readConfig(join(folder, 'tributary.yaml')), {
    clock,
    wrapStore: (store) => clockedStore(store, clock),
  })
}

interface WaitingRoom {
  readonly keep: (step: FlightsStep) => Promise<void>
  /** Files that may go into the landing by then. */
  readonly release: (atMs: number) => Promise<readonly string[]>
}

/**
 * Holds back what the generator writes, puts the files of a day together, and adds a purge: a part of what was scheduled a day and a
 * half ago is deleted.
 */
function waitingRoom(folder: string): WaitingRoom {
  const waiting: { readonly path: string; readonly fromMs: number }[] = []
  const bundles = new Map<string, { name: string; header: string; readonly texts: string[] }>()
  const purge = purger()
  let flightFiles = 0
  const keep = async (step: FlightsStep): Promise<void> => {
    const untilMs = Date.parse(step.until)
    for (const path of step.files) {
      const table = basename(dirname(path))
      if (!TABLES.includes(table)) continue
      const text = await readFile(path, 'utf8')
      if (table === 'flights') purge.read(text)
      if (step.kind === 'load') {
        // The write time of a load is since when its rows were known.
        await utimes(path, untilMs / 1000, untilMs / 1000)
        waiting.push({ path, fromMs: untilMs })
        continue
      }
      const end = text.indexOf('\n') + 1
      const bundle = bundles.get(table) ?? { name: '', header: text.slice(0, end), texts: [] }
      bundle.name = basename(path)
      bundle.texts.push(text.slice(end))
      bundles.set(table, bundle)
    }
    const purged = step.until.slice(11, 13) === '06' ? purge.write(untilMs) : undefined
    if (purged !== undefined) await hold('flights', { ...purged, fromMs: untilMs })
  }
  const hold = async (
    table: string,
    file: { readonly name: string; readonly text: string; readonly fromMs: number },
  ) => {
    const path = join(folder, 'waiting', table, file.name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, file.text)
    waiting.push({ path, fromMs: file.fromMs })
  }
  const release = async (atMs: number): Promise<readonly string[]> => {
    for (const [table, { name, header, texts }] of bundles) {
      if (table === 'flights') flightFiles += 1
      const isLate = table === 'flights' && flightFiles % LATE_EVERY === 0
      await hold(table, { name, text: header + texts.join(''), fromMs: atMs + (isLate ? EVERY_MS : 0) })
    }
    bundles.clear()
    const due = waiting.filter(({ fromMs }) => fromMs <= atMs)
    for (const one of due) waiting.splice(waiting.indexOf(one), 1)
    return due.map(({ path }) => path)
  }
  return { keep, release }
}

const PURGED_AFTER_MS = 36 * HOUR_MS
const PURGED_EVERY = 11

interface Purger {
  /** Takes note of the flights in a file. */
  readonly read: (text: string) => void
  /** A file with the deletes that are due. */
  readonly write: (untilMs: number) => { readonly name: string; readonly text: string } | undefined
}

function purger(): Purger {
  const scheduled = new Map<string, number>()
  let header = ''
  let counter = 0
  return {
    read: (text) => {
      const [first = '', ...lines] = text.trimEnd().split('\n')
      header = first
      const columns = header.split(',')
      const [hour, flight] = [columns.indexOf('time_hour'), columns.indexOf('flight')]
      for (const line of lines) {
        const cells = line.split(',')
        if (cells[0] !== 'I' || Number(cells[flight]) % PURGED_EVERY !== 0) continue
        scheduled.set(cells.slice(2, -1).join(','), Date.parse(`${cells[hour]}Z`))
      }
    },
    write: (untilMs) => {
      const due = [...scheduled].filter(([, atMs]) => atMs < untilMs - PURGED_AFTER_MS)
      if (due.length === 0) return undefined
      const digits = textOf(untilMs).replaceAll(/\D/g, '').slice(0, 14)
      const lines = due.map(([cells]) => {
        scheduled.delete(cells)
        counter += 1
        return `D,${textOf(untilMs)}.500000,${cells},${digits}50${String(counter).padStart(19, '0')}\n`
      })
      return { name: `${digits.slice(0, 8)}-${digits.slice(8)}500.csv`, text: `${header}\n${lines.join('')}` }
    },
  }
}

/** `2013-01-01 05:00:00` */
function textOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ')
}
