import { execFileSync } from 'node:child_process'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openLake, readConfig } from '@tributary/pipeline'
import { expect, test, vi } from 'vitest'
import { readGitState } from '../../src/datasets/git-state.ts'
import { buildDataset, listDatasets, parseDefinition, removeDataset } from '../../src/index.ts'
import { fixedClock, useEngine, useFolders, writeLake } from './lake.ts'

const engine = useEngine(1)
const fresh = useFolders()
const PATHS = ['tributary.yaml', 'datasets', 'features']

test('the commit of a folder is told, and whether its definitions differ from it', async () => {
  const folder = await fresh()
  expect(await readGitState(folder, PATHS)).toBeUndefined()
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@b.c', ...args], { cwd: folder, encoding: 'utf8' })
  git('init', '-q')
  // There is no commit yet.
  expect(await readGitState(folder, PATHS)).toBeUndefined()
  await mkdir(join(folder, 'project/datasets'), { recursive: true })
  await writeFile(join(folder, 'project/tributary.yaml'), 'lake: lake\n')
  git('add', '.')
  git('commit', '-qm', 'first')
  const commit = git('rev-parse', 'HEAD').trim()
  const project = join(folder, 'project')
  expect(await readGitState(project, PATHS)).toEqual({ commit, dirty: false })
  // Neither data beside the definitions nor the rest of the repository make them dirty.
  await mkdir(join(project, 'lake'))
  await writeFile(join(project, 'lake/data'), '')
  await writeFile(join(folder, 'README.md'), '')
  expect(await readGitState(project, PATHS)).toEqual({ commit, dirty: false })
  await writeFile(join(project, 'datasets/new.yml'), 'dataset: new\n')
  expect(await readGitState(project, PATHS)).toEqual({ commit, dirty: true })
  vi.stubEnv('PATH', '/nowhere')
  expect(await readGitState(project, PATHS)).toBeUndefined()
  vi.unstubAllEnvs()
})

test('the manifest tells the commit and where its sources are, and the id depends on neither', async () => {
  const asks = {
    name: 's.asks',
    key: ['ask'],
    columns: { ask: 'long', at: 'timestamp' },
    changes: [{ op: 'I', sourceAt: '2026-01-01T00:00:00Z', values: { ask: 1n, at: '2026-01-01T00:00:00Z' } }],
  } as const
  const { folder, lake } = await writeLake(engine(), await fresh(), [asks])
  const definition = parseDefinition(
    'dataset: asks\nspine: {sql: \'SELECT ask, "at" FROM s.asks\', key: [ask], at: at}\n',
    'asks.yml',
  )
  const git = { commit: '0'.repeat(40), dirty: true }
  const first = await buildDataset(lake, engine(), definition, { git })
  expect(first).toMatchObject({ manifest: { spec: { git }, sources: [{ uri: lake.tableStore('s.asks').url }] } })
  const elsewhere = await fresh()
  await cp(folder, elsewhere, { recursive: true })
  const other = openLake(await readConfig(join(elsewhere, 'tributary.yaml')), { clock: fixedClock })
  for (const manifest of await listDatasets(other)) await removeDataset(other, manifest)
  const again = await buildDataset(other, engine(), definition)
  expect(again).toMatchObject({ isNew: true, manifest: { sources: [{ uri: other.tableStore('s.asks').url }] } })
  expect(again.kind === 'published' && again.manifest.spec.git).toBeUndefined()
  expect(again.kind === 'published' && first.kind === 'published' && again.manifest.id === first.manifest.id).toBe(true)
})
