// The artefact itself, unpacked where there is nothing else. Worth its seconds: a file that is missing in it is found nowhere else.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Engine, openEngine } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FunctionPlace, openFunctionPlace } from './function-place.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '../../..')
const ZIP = join(ROOT, `pipeline/dist/tributary-lambda-${process.arch}.zip`)
let place: FunctionPlace
let engine: Engine
let folder: string
beforeAll(async () => {
  if (!existsSync(ZIP)) throw new Error(`${ZIP} is not there: run make lambda ARCH=${process.arch}`)
  place = await openFunctionPlace()
  engine = await openEngine({ threads: 1 })
  folder = await mkdtemp(join(tmpdir(), 'tributary-task-'))
})
afterAll(async () => {
  await engine.close()
  await place.close()
  await rm(folder, { recursive: true, force: true })
})

test('the artefact runs alone: it takes in a load and changes in S3, and sweeps what a process before it left behind', async () => {
  await run(join(ROOT, '.venv/bin/python'), ['-m', 'zipfile', '-e', ZIP, join(folder, 'task')])
  await place.configure({ 's.a': '' })
  await place.put('s/a/LOAD00000001.csv', 'id,v\n1,one\n2,two\n')
  const load = await place.receive()
  await place.put('s/a/20260301-101500000.csv', 'Op,id,v\nU,1,eins\nD,2,\n')
  await writeFile(join(folder, 'events.json'), JSON.stringify([load, { source: 'aws.scheduler' }]))
  const scratch = join(folder, 'tmp/tributary')
  await mkdir(join(scratch, 'tributary-old'), { recursive: true })
  const { AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env
  // Nothing else of ours: no HOME with extensions in it, no path into the checkout.
  const env = {
    ...place.environment,
    AWS_ENDPOINT_URL,
    AWS_REGION,
    AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY,
    AWS_LAMBDA_FUNCTION_NAME: 'upsert',
    TMPDIR: join(folder, 'tmp'),
    HOME: join(folder, 'tmp'),
  }
  const script = join(import.meta.dirname, 'call-artefact.mjs')
  const { stdout } = await run(process.execPath, [script, join(folder, 'task'), join(folder, 'events.json')], {
    env,
    cwd: folder,
  })
  const lines = stdout
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line))
  expect(lines).toEqual([
    expect.objectContaining({ kind: 'committed', table: 's.a', operation: 'LOAD', applied: 2 }),
    expect.objectContaining({ kind: 'committed', table: 's.a', operation: 'UPSERT', applied: 2 }),
    expect.objectContaining({ answers: [expect.objectContaining({ batchItemFailures: [] }), expect.anything()] }),
  ])
  expect(await place.rowsOf(engine, 's.a')).toEqual(['["1","eins"]'])
  expect(await readdir(scratch)).not.toContain('tributary-old')
  expect((await readdir(join(folder, 'tmp'))).toSorted()).toEqual(['tributary', 'tributary-cache'])
})
