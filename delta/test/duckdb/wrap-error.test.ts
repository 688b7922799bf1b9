import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Engine, openEngine } from '../../src/duckdb/engine.ts'
import { wrapEngineError } from '../../src/duckdb/wrap-error.ts'
import { withoutRights } from '../without-rights.ts'

let engine: Engine
let folder: string
beforeAll(async () => {
  engine = await openEngine({ threads: 1 })
  folder = await mkdtemp(join(tmpdir(), 'tributary-wrap-error-'))
})
afterAll(async () => {
  await engine.close()
  await rm(folder, { recursive: true })
})

test('a file that may not be read, or not be made, is no damaged one: the right to it is missing', async () => {
  const [closed, made] = [join(folder, 'part-1.zstd.parquet'), join(folder, 'part-2.zstd.parquet')]
  await engine.run(`COPY (SELECT 1 AS id) TO '${closed}' (FORMAT parquet)`)
  await chmod(closed, 0)
  await chmod(folder, 0o555)
  await withoutRights(async () => {
    for (const [path, sql] of [
      [closed, `FROM read_parquet('${closed}')`],
      [made, `COPY (SELECT 1 AS id) TO '${made}' (FORMAT parquet)`],
    ])
      await expect(engine.run(sql ?? '')).rejects.toMatchObject({
        kind: 'unavailable',
        code: 'STORE_FAILED',
        message: `Could not open ${path}: Permission denied. Give this user the right to that file or folder and run again.`,
      })
    const partitioned = `COPY (SELECT 1 AS id, 2 AS p) TO '${join(folder, 'parts')}' (FORMAT parquet, PARTITION_BY (p))`
    await expect(engine.run(partitioned)).rejects.toMatchObject({ kind: 'unavailable', code: 'STORE_FAILED' })
  })
  await chmod(folder, 0o755)
})

test('the codec in the name of a file makes no damage of what went wrong with it', () => {
  const words = 'IO Error: Could not write file "/lake/part-1.zstd.parquet": Input/output error'
  expect(wrapEngineError(new Error(words))).toMatchObject({ kind: 'invalid', code: 'ENGINE_FAILED' })
  const damage = `IO Error: ZSTD Decompression failure in '/lake/part-1.snappy.parquet'`
  expect(wrapEngineError(new Error(damage))).toMatchObject({ kind: 'corrupt', code: 'ENGINE_FAILED' })
})
