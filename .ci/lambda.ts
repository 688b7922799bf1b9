// Makes the artefact for AWS Lambda: `lambda.ts x64|arm64` writes pipeline/dist/tributary-lambda-<arch>.zip. Everything that runs is in it, DuckDB
// and its httpfs too, so that nothing is fetched while it runs. The same sources make the same bytes.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { build } from 'rolldown'

const ROOT = join(import.meta.dirname, '..')
const PYTHON = join(ROOT, '.venv/bin/python')

/** Lambda takes 50 MiB zipped without a detour over S3, and 250 MB unzipped; we want to be far from both. */
const ZIPPED_MIB_MAX = 35
const UNZIPPED_MIB_MAX = 100

interface Architecture {
  /** As DuckDB calls its folders. */
  readonly duckdb: string
  /** As Python calls its wheels. */
  readonly wheel: string
  /** `e_machine` of an ELF file. */
  readonly elf: number
}

const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  x64: { duckdb: 'linux_amd64', wheel: 'x86_64', elf: 0x3e },
  arm64: { duckdb: 'linux_arm64', wheel: 'aarch64', elf: 0xb7 },
}

const name = process.argv[2] ?? ''
const architecture = ARCHITECTURES[name]
if (architecture === undefined)
  throw new Error(`lambda.ts takes ${Object.keys(ARCHITECTURES).join(' or ')}, not "${name}"`)
const scratch = mkdtempSync(join(tmpdir(), 'tributary-lambda-'))
try {
  await makeArtefact(architecture)
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

async function makeArtefact(target: Architecture): Promise<void> {
  const folder = join(scratch, 'task')
  await build({
    input: join(ROOT, 'pipeline/src/lambda/handler.ts'),
    platform: 'node',
    external: ['@duckdb/node-bindings', 'roaring-wasm'],
    logLevel: 'warn',
    output: { dir: folder, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' },
  })
  // What the bundle cannot hold: a native module with its loader, and WebAssembly that is read by its path.
  for (const part of ['@duckdb/node-bindings', 'detect-libc', 'roaring-wasm'])
    copyPackage(join(ROOT, 'node_modules', part), join(folder, 'node_modules', part))
  const binding = `@duckdb/node-bindings-linux-${name}`
  const installed = join(ROOT, 'node_modules', binding)
  copyPackage(existsSync(installed) ? installed : fetchPackage(binding), join(folder, 'node_modules', binding))
  addHttpfs(target, folder)
  cpSync(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'))
  assertMachine(folder, target)
  const zip = join(ROOT, `pipeline/dist/tributary-lambda-${name}.zip`)
  mkdirSync(join(ROOT, 'pipeline/dist'), { recursive: true })
  execFileSync(PYTHON, [join(ROOT, '.ci/zip-folder.py'), folder, zip], { stdio: 'inherit' })
  reportSizes(folder, zip)
}

/** A package without what only people and compilers read. */
function copyPackage(from: string, to: string): void {
  cpSync(from, to, {
    recursive: true,
    dereference: true,
    filter: (path) => !/\.(d\.ts|md|map)$/.test(path) && !path.startsWith(join(from, 'browser')),
  })
}

/** A package for another machine than ours, of the version and with the bytes that the lockfile names. */
function fetchPackage(part: string): string {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, { version: string; integrity: string } | undefined>>
  }
  const locked = lock.packages[`node_modules/${part}`]
  if (locked === undefined) throw new Error(`${part} is not in package-lock.json`)
  execFileSync('npm', ['pack', '--silent', '--pack-destination', scratch, `${part}@${locked.version}`])
  const file = join(scratch, `${part.replace('@', '').replace('/', '-')}-${locked.version}.tgz`)
  const integrity = `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`
  if (integrity !== locked.integrity) throw new Error(`${part} is not what package-lock.json says: ${integrity}`)
  execFileSync('tar', ['-xzf', file, '-C', scratch])
  return join(scratch, 'package')
}

function addHttpfs(target: Architecture, folder: string): void {
  const [here] = globSync(join(ROOT, 'duckdb-extensions/*', target.duckdb, 'httpfs.duckdb_extension'))
  const file = here ?? fetchHttpfs(target)
  const version = /(v[0-9.]+)[/\\][^/\\]+[/\\]?[^/\\]*$/.exec(file)?.[1]
  if (version === undefined) throw new Error(`${file} does not tell its version`)
  const to = join(folder, 'duckdb-extensions', version, target.duckdb)
  mkdirSync(to, { recursive: true })
  cpSync(file, join(to, 'httpfs.duckdb_extension'))
}

function fetchHttpfs({ wheel }: Architecture): string {
  const [pinned] = /^duckdb-extension-httpfs==.*$/m.exec(readFileSync(join(ROOT, 'requirements.txt'), 'utf8')) ?? []
  if (pinned === undefined) throw new Error('requirements.txt does not name duckdb-extension-httpfs')
  const platforms = ['manylinux_2_28', 'manylinux_2_27', 'manylinux_2_24', 'manylinux2014', 'manylinux_2_17'].flatMap(
    (each) => ['--platform', `${each}_${wheel}`],
  )
  const download = [
    '-m',
    'pip',
    'download',
    '--quiet',
    '--disable-pip-version-check',
    '--no-deps',
    '--only-binary=:all:',
  ]
  execFileSync(PYTHON, [...download, ...platforms, '-d', scratch, pinned], { stdio: 'inherit' })
  const [file = ''] = globSync(join(scratch, 'duckdb_extension_httpfs-*.whl'))
  execFileSync(PYTHON, ['-m', 'zipfile', '-e', file, join(scratch, 'wheel')])
  const [extension] = globSync(join(scratch, 'wheel/**/httpfs.duckdb_extension'))
  if (extension === undefined) throw new Error(`${basename(file)} holds no extension`)
  return extension
}

/** A library for another processor is loaded by nobody, and packed by mistake easily: npm installs for the machine that it runs on. */
function assertMachine(folder: string, { elf }: Architecture): void {
  const files = globSync(join(folder, '**/*.{node,so,duckdb_extension}'))
  if (files.length !== 3) throw new Error(`three native files are expected, not ${files.join(', ') || 'none'}`)
  for (const file of files) {
    const head = readFileSync(file).subarray(0, 20)
    if (head.toString('latin1', 0, 4) !== '\u007fELF' || head.readUInt16LE(18) !== elf)
      throw new Error(`${file} is not for ${name}`)
  }
}

function reportSizes(folder: string, zip: string): void {
  const mib = (bytes: number): number => bytes / 1024 / 1024
  const zipped = mib(statSync(zip).size)
  const files = globSync(join(folder, '**/*')).map((path) => statSync(path))
  const unzipped = mib(files.reduce((total, file) => total + (file.isFile() ? file.size : 0), 0))
  console.log(`${zip}: ${zipped.toFixed(1)} MiB zipped, ${unzipped.toFixed(1)} MiB unzipped`)
  if (zipped > ZIPPED_MIB_MAX || unzipped > UNZIPPED_MIB_MAX)
    throw new Error(`our limits are ${ZIPPED_MIB_MAX} MiB zipped and ${UNZIPPED_MIB_MAX} MiB unzipped`)
}
