import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { attachStore } from '../../src/duckdb/attach-store.ts'
import { type Engine, openEngine } from '../../src/duckdb/engine.ts'
import { extensionFolder } from '../../src/duckdb/extensions.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store, StoreAccess } from '../../src/store/store.ts'

let engine: Engine
beforeAll(async () => {
  engine = await openEngine()
})
afterAll(() => engine.close())

const SECRET = "a 'quoted' secret"
const ACCESS: StoreAccess = {
  scope: 's3://lake/',
  host: '127.0.0.1:1',
  usesTls: false,
  isPathStyle: true,
  region: 'eu-west-1',
  keyId: 'AKIA1',
  secret: SECRET,
  sessionToken: undefined,
}

function storeWith(access: StoreAccess): Store {
  const download = (): Promise<never> => Promise.reject(new Error('nothing is downloaded here'))
  return { ...memoryStore(), remote: { access: async () => access, download } }
}

async function secrets(): Promise<readonly string[]> {
  return (await engine.all('SELECT secret_string FROM duckdb_secrets() ORDER BY name')).map((row) =>
    String(row['secret_string']),
  )
}

test('the access to a bucket becomes a secret that DuckDB does not show, and is renewed when it changes', async () => {
  await attachStore(engine, storeWith(ACCESS))
  await attachStore(engine, storeWith({ ...ACCESS, keyId: 'AKIA2', sessionToken: 'token' }))
  const [only, ...others] = await secrets()
  expect(others).toEqual([])
  expect(only).toContain('key_id=AKIA2')
  expect(only).not.toContain(SECRET)
})

test('what DuckDB says about a server that is not there names the file and no secret', async () => {
  await attachStore(engine, storeWith(ACCESS))
  const error: unknown = await engine
    .all("SELECT * FROM read_parquet('s3://lake/a.parquet')")
    .catch((cause: unknown) => cause)
  expect(error).toMatchObject({ kind: 'unavailable', code: 'S3_UNREACHABLE' })
  expect(
    `${error instanceof Error ? error.stack : ''} ${String(error instanceof Error ? error.cause : '')}`,
  ).not.toContain(SECRET)
})

test('an access that DuckDB does not take shows neither secret nor statement', async () => {
  const run = (sql: string): Promise<void> =>
    sql.startsWith('CREATE') ? Promise.reject(new Error(`Parser Error near ${sql}`)) : engine.run(sql)
  const refusing: Engine = { ...engine, database: {}, run }
  const error: unknown = await attachStore(refusing, storeWith(ACCESS)).catch((cause: unknown) => cause)
  expect(error).toMatchObject({ code: 'ENGINE_FAILED', cause: undefined })
  expect(String(error)).toBe(
    'TributaryError: DuckDB could not run the query: the access to s3://lake/ was not taken. Change the query or the data it reads.',
  )
})

test('a DuckDB without httpfs says how to get it', async () => {
  const run = (sql: string): Promise<void> =>
    sql === 'LOAD httpfs' ? Promise.reject(new Error('Extension not found')) : engine.run(sql)
  await expect(attachStore({ ...engine, database: {}, run }, storeWith(ACCESS))).rejects.toMatchObject({
    kind: 'invalid',
    code: 'EXTENSION_MISSING',
  })
})

test('extensions are found in a folder above the program, and nowhere else', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-extensions-'))
  const deep = join(folder, 'a/b/c')
  await mkdir(deep, { recursive: true })
  expect(extensionFolder(deep)).toBeUndefined()
  await mkdir(join(folder, 'duckdb-extensions'))
  expect(extensionFolder(deep)).toBe(join(folder, 'duckdb-extensions'))
  await rm(folder, { recursive: true })
})
