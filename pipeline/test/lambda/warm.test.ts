import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@tributary/delta'
import { expect, test } from 'vitest'
import { warmUp } from '../../src/lambda/warm.ts'

test('a function does not keep an engine that could not start', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-warm-'))
  const path = join(folder, 'tributary.yaml')
  await writeFile(path, 'landing: s3://acme-landing/\nlake: s3://acme-lake/\ntables: {shop.orders: {key: [id]}}\n')
  const environment = {
    TRIBUTARY_CONFIG: path,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'nobody',
    AWS_SECRET_ACCESS_KEY: 'nothing',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: 'a lot',
  }
  await expect(warmUp({ clock: systemClock, environment }, undefined)).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
  await rm(folder, { recursive: true })
})
