import { fork } from 'node:child_process'
import { chmod, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { storeFailed } from '../../src/errors.ts'
import { localStore } from '../../src/store/local.ts'
import { storeContract } from '../store-contract.ts'

storeContract('localStore', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-store-'))
  return { store: localStore(join(folder, 'made', 'on demand')), cleanup: () => rm(folder, { recursive: true }) }
})

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-store-'))
})
afterEach(async () => {
  await chmod(folder, 0o755)
  await rm(folder, { recursive: true })
})

test('two processes that race to create the same files win each file exactly once between them', async () => {
  const child = new URL('./create-racer.ts', import.meta.url)
  const [left, right] = await Promise.all([race(child, folder), race(child, folder)])
  expect(left).toHaveLength(100)
  for (const [index, outcome] of left.entries()) expect([outcome, right[index]].sort()).toEqual(['created', 'exists'])
}, 30_000)

test('no temporary file stays behind, whoever won', async () => {
  const store = localStore(folder)
  await store.create('a', new Uint8Array(10))
  await store.create('a', new Uint8Array(10))
  await store.write('a', new Uint8Array(10))
  expect(await readdir(folder)).toEqual(['a'])
})

test('a write that fails leaves no temporary file and says what to do', async () => {
  await localStore(folder).write('taken/by', new Uint8Array(1))
  // A file cannot take the name of a folder.
  await expect(localStore(folder).write('taken', new Uint8Array(1))).rejects.toMatchObject({
    kind: 'unavailable',
    code: 'STORE_FAILED',
  })
  expect(await readdir(folder)).toEqual(['taken'])
})

test('a file where a folder has to be is named as such', async () => {
  await writeFile(join(folder, 'lake'), '')
  for (const path of ['a', 'table/part.parquet'])
    await expect(localStore(join(folder, 'lake')).locate(path)).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringMatching(
        /^Could not make the folder of .* A file stands where a folder has to be: move it away, or name another folder, and run again\.$/,
      ),
    })
})

test('a full disk is named as such, with the remedy', () => {
  const cause = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  expect(storeFailed('a', 'write', cause)).toMatchObject({
    kind: 'unavailable',
    message:
      'Could not write a: ENOSPC: no space left on device, write. The disk is full: free some space and run again.',
  })
})

test('locate gives an absolute path whose folder is there', async () => {
  const path = await localStore(folder).locate('new/folder/file.parquet')
  await writeFile(path, 'x')
  expect(path).toBe(join(folder, 'new', 'folder', 'file.parquet'))
  expect(await localStore(folder).sync('new/folder/file.parquet')).toMatchObject({ sizeBytes: 1 })
})

test('the URL of a folder is encoded and ends in a slash', () => {
  expect(localStore('/lake/my orders').url).toBe('file:///lake/my%20orders/')
})

test('links are followed to files and not to folders, so that a listing ends', async () => {
  await writeFile(join(folder, 'real'), 'abc')
  await symlink(join(folder, 'real'), join(folder, 'to-file'))
  await symlink(folder, join(folder, 'to-folder'))
  await symlink(join(folder, 'nowhere'), join(folder, 'to-nothing'))
  const paths = []
  for await (const entry of localStore(folder).list('')) paths.push(entry.path)
  expect(paths).toEqual(['real', 'to-file'])
})

async function race(script: URL, target: string): Promise<readonly unknown[]> {
  const child = fork(script, [target])
  return new Promise((resolve, reject) => {
    child.on('message', (outcomes) =>
      Array.isArray(outcomes) ? resolve(outcomes) : reject(new Error('no list of outcomes')),
    )
    child.on('error', reject)
    child.on('exit', (code) => reject(new Error(`the racer ended with ${code} before it reported`)))
  })
}
