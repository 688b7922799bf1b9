// Worth its seconds: a second opinion. A small program in another language reads nothing but the landing files, recomputes random values of a
// dataset by walking through the changes, and must agree; with a file that knows too much it must not.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type Engine, openEngine, quoteText, readSnapshot, scanSql } from '@tributary/delta'
import { buildDataset, type Manifest, parseDefinition } from '@tributary/ml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { times } from '../../delta/test/soak.ts'
import { AUDIT, type AuditWorld, playFlights } from './audit-world.ts'

const VENV = join(import.meta.dirname, '../../.venv')
const KINDS = ['asof by group', 'asof by key', 'window', 'stored feature', 'current']

describe.skipIf(!existsSync(join(VENV, 'flights')))(
  'a dataset of real flights, recomputed from the files of DMS',
  () => {
    let engine: Engine
    let world: AuditWorld
    let definition: string
    let manifest: Manifest
    beforeAll(async () => {
      engine = await openEngine({ threads: 2, memoryMiB: 768 })
      world = await playFlights(engine, await mkdtemp(join(tmpdir(), 'tributary-audit-')), { days: times(3, 20) })
      definition = await readFile(join(AUDIT, 'datasets/delays.yml'), 'utf8')
      manifest = await build(definition)
    }, 600_000)
    afterAll(async () => {
      await engine.close()
      await rm(world.folder, { recursive: true, force: true })
    })

    async function build(yaml: string): Promise<Manifest> {
      const outcome = await buildDataset(world.lake, engine, parseDefinition(yaml, 'delays.yml'))
      if (outcome.kind === 'refused') throw new Error(JSON.stringify(outcome.findings))
      return outcome.manifest
    }

    function folderOf({ name, id }: Manifest): string {
      return join(world.folder, 'lake/_datasets', name, id)
    }

    async function audit(
      folder: string,
      ...args: readonly string[]
    ): Promise<{ readonly code: number; readonly said: string }> {
      const program = join(AUDIT, 'flights.py')
      const child = spawn(join(VENV, 'bin/python'), [program, world.landing, folder, world.deliveries, ...args], {
        env: { PYTHONDONTWRITEBYTECODE: '1' },
      })
      const [said, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
      return { code: Number(code), said: said + errors }
    }

    test('1,000 random values are what a walk through the changes gives, of each kind at least 50', async () => {
      const pairs = times(1000, 10_000)
      const { code, said } = await audit(folderOf(manifest), '--pairs', String(pairs))
      expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining(': 0 differ') })
      for (const kind of KINDS)
        expect(Number(new RegExp(`(\\d+)  ${kind}\\n`).exec(said)?.[1])).toBeGreaterThanOrEqual(50)
    }, 900_000)

    test('by the clock of the lake, too: a file that came late was known late', async () => {
      const { code, said } = await audit(
        folderOf(await build(definition.replace('clock: source', 'clock: lake'))),
        '--pairs',
        '300',
      )
      expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining(': 0 differ') })
    })

    // What each of them is right about is the rest of the column.
    test.each([
      [
        'event time in place of knowledge time',
        'origin_3h_mean',
        `(SELECT avg(f.dep_delay) FROM flights f WHERE f.origin = d.origin AND f.time_hour > d."at" - INTERVAL 3 HOUR AND f.time_hour <= d."at")`,
      ],
      [
        'a window with both of its ends',
        'wx_6h_n',
        `(SELECT count(*) FROM weather w WHERE w.origin = d.origin AND w.time_hour >= d."at" - INTERVAL 6 HOUR
        AND w.time_hour <= d."at" - INTERVAL 70 MINUTE)`,
      ],
    ])('a file made with %s is found out', async (_, column, sql) => {
      const wrong = join(world.folder, 'wrong')
      await cp(folderOf(manifest), wrong, { recursive: true })
      const fork = await engine.fork()
      for (const table of ['flights', 'weather'])
        await fork.run(
          `CREATE OR REPLACE TEMP VIEW ${table} AS ${await scanSql(fork, await readSnapshot(world.lake.tableStore(`nyc.${table}`)))}`,
        )
      const file = (folder: string): string => quoteText(join(folder, manifest.splits['all']?.files[0]?.path ?? ''))
      await fork.run(
        `COPY (SELECT * REPLACE (${sql} AS ${column}) FROM read_parquet(${file(folderOf(manifest))}) d) TO ${file(wrong)} (FORMAT parquet)`,
      )
      await fork.close()
      const { code, said } = await audit(wrong, '--column', column, '--pairs', '100')
      expect(code).toBe(1)
      expect(said).toMatch(new RegExp(`: [1-9]\\d* differ\\n[^]*${column} of .* and the files give`))
    })
  },
)
