// `node bench/snapshot.ts`: how long it takes to know a table whose log has 10,000 commits and which has 100,000 files, from a checkpoint
// and the commits after it, in fresh processes. It fails when that takes more time or memory than the goals allow.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Action, localStore, openEngine, readSnapshot, systemClock, writeCheckpoint } from '@tributary/delta'
import { measure } from './measure.ts'
import { scriptOf } from './places.ts'

const COMMITS = 10_000
const FILES = 100_000
const TAIL = 10
const ROUNDS = 5
const GOALS = { ms: 2000, againMs: 20, residentMib: 500 }

const folder = await mkdtemp(join(tmpdir(), 'tributary-bench-'))
try {
  console.error('bench: writing the log')
  await writeTable()
  const runs = []
  for (let round = 0; round < ROUNDS; round++)
    runs.push(await measure([process.execPath, scriptOf('open.ts'), folder], { cwd: folder }))
  const [{ own: { files = 0, version = 0 } = {} } = {}] = runs
  if (files !== FILES || version !== COMMITS - 1) throw new Error(`${files} files at version ${version} were opened`)
  const figures = {
    ms: median(runs.map(({ own }) => own['ms'] ?? 0)),
    againMs: median(runs.map(({ own }) => own['againMs'] ?? 0)),
    residentMib: median(runs.map(({ residentKib }) => residentKib / 1024)),
    processorMs: median(runs.map(({ cpuMs }) => cpuMs)),
  }
  console.log(
    `${COMMITS} commits, ${FILES} files, checkpoint ${TAIL} commits before the end, ${ROUNDS} rounds, medians`,
  )
  console.log(`snapshot       ${figures.ms.toFixed(0)} ms (goal ${GOALS.ms})`)
  console.log(`again          ${figures.againMs.toFixed(1)} ms (goal ${GOALS.againMs})`)
  console.log(`resident       ${figures.residentMib.toFixed(0)} MiB (goal ${GOALS.residentMib})`)
  console.log(`processor      ${figures.processorMs.toFixed(0)} ms, start of the process included`)
  const isMet = figures.ms <= GOALS.ms && figures.againMs <= GOALS.againMs && figures.residentMib <= GOALS.residentMib
  process.exitCode = isMet ? 0 : 1
} finally {
  await rm(folder, { recursive: true, force: true })
}

async function writeTable(): Promise<void> {
  await mkdir(join(folder, '_delta_log'))
  const filesEach = FILES / COMMITS
  for (let version = 0; version < COMMITS; version++) {
    const adds = Array.from({ length: filesEach }, (_, index) => addOf(version * filesEach + index))
    const actions = version === 0 ? [...tableOf(), ...adds] : adds
    const name = `${String(version).padStart(20, '0')}.json`
    await writeFile(join(folder, '_delta_log', name), actions.map((action) => `${JSON.stringify(action)}\n`).join(''))
  }
  const engine = await openEngine()
  const snapshot = await readSnapshot(localStore(folder), { version: COMMITS - 1 - TAIL })
  await writeCheckpoint(engine, systemClock, snapshot)
  await engine.close()
}

function tableOf(): readonly Action[] {
  const columns = [
    ['id', 'long'],
    ['name', 'string'],
    ['at', 'timestamp'],
    ['amount', 'decimal(12,2)'],
    ['day', 'date'],
  ]
  const fields = columns.map(([name, type]) => ({ name, type, nullable: true, metadata: {} }))
  return [
    { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
    {
      metaData: {
        id: 'bench',
        format: { provider: 'parquet', options: {} },
        schemaString: JSON.stringify({ type: 'struct', fields }),
        partitionColumns: ['day'],
        configuration: {},
      },
    },
  ]
}

function addOf(number: number): Action {
  const day = `2026-01-${String((number % 28) + 1).padStart(2, '0')}`
  const values = (row: number): object => ({
    id: row,
    name: `customer ${row}`,
    at: `${day}T00:00:00.000Z`,
    amount: row / 4,
  })
  const stats = JSON.stringify({
    numRecords: 1000,
    minValues: values(number * 1000),
    maxValues: values(number * 1000 + 999),
    nullCount: { id: 0, name: 0, at: 0, amount: 0 },
  })
  const uuid = `${String(number * 7919).padStart(8, '0')}-1111-4222-8333-${String(number).padStart(12, '0')}`
  const path = `day=${day}/part-00000-${uuid}-c000.zstd.parquet`
  return {
    add: {
      ...{ path, partitionValues: { day }, size: 100_000 + number },
      ...{ modificationTime: 1_767_225_600_000 + number, dataChange: true, stats },
    },
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? 0
}
