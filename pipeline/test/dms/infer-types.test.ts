import { localStore } from '@tributary/delta'
import { expect, test } from 'vitest'
import { inferTypes } from '../../src/dms/infer-types.ts'
import { openLandingFile } from '../../src/dms/open-file.ts'
import { planRead } from '../../src/dms/plan-read.ts'
import { contextOf, useLanding } from './reading.ts'

const landing = useLanding()

async function infer(text: string): Promise<Record<string, string>> {
  const key = 'sales/customers/LOAD00000001.csv'
  await landing.put(key, text)
  const engine = landing.engine()
  const settings = { AddColumnName: true }
  const file = await openLandingFile(localStore(landing.folder()), key, { tempFolder: engine.tempFolder, settings })
  const plan = await planRead(engine, file, contextOf(key, { key: ['id'], settings }))
  return Object.fromEntries((await inferTypes(engine, file, plan)).map(({ name, type }) => [name, type]))
}

test('a type is taken where every value goes back to the same text', async () => {
  const text =
    'id,zip,n,price,ratio,day,at,flag,bit,none,mixed\n1,00123,-5,1.50,1.5,2026-01-01,2026-01-01 00:00:00,true,1,,1\n2,10000,9223372036854775807,-12.25,2.25,2026-02-28,2026-01-02 23:59:59,false,0,,x\n'
  expect(await infer(text)).toEqual({
    id: 'long',
    zip: 'string',
    n: 'long',
    price: 'decimal(18,2)',
    ratio: 'double',
    day: 'date',
    at: 'timestamp',
    flag: 'boolean',
    bit: 'long',
    none: 'string',
    mixed: 'string',
  })
})

test('values that would be rewritten stay text', async () => {
  expect(await infer('id,a,b,c,d,e\n1,+1,1e3,2026-1-1,2026-01-01T00:00:00,99999999999999999999\n')).toEqual({
    id: 'long',
    a: 'string',
    b: 'string',
    c: 'string',
    d: 'string',
    e: 'string',
  })
})

test('a file that DuckDB gives up on is inferred from the rows that are whole', async () => {
  expect(await infer('id,a\n1,2\n3\n\n4,5\n')).toEqual({ id: 'long', a: 'long' })
})
