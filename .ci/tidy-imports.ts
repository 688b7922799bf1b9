// The checks of tidy.ts on who imports whom: doors, layers, cycles, folders.

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type File, type Finding, importsOf, lineOf } from './tidy-nodes.ts'

const folderFilesMin = 3
const folderLevelsMax = 3

// A workspace may import those of a lower number. `deploy` names the pipeline's file and imports nothing.
const workspaceLayers: Readonly<Record<string, number>> = {
  delta: 0,
  pipeline: 1,
  capture: 2,
  ml: 2,
  console: 2,
  cli: 3,
  deploy: 0,
}
const deltaLayers = [
  ['redact.ts'],
  ['errors.ts', 'clock.ts'],
  ['protocol'],
  ['store'],
  ['duckdb'],
  ['deletion-vectors'],
  ['log'],
  ['read'],
  ['write'],
  ['maintain'],
  ['table.ts'],
  ['index.ts', 'log.ts', 's3.ts'],
]
/** Imports that go up, or past a door, or in a circle; and folders that are too small or too deep. */
export function checkTree(root: string, files: readonly File[]): readonly Finding[] {
  return [...files.flatMap((file) => checkImports(root, file)), ...checkCycles(files), ...checkFolders(files)]
}

function checkImports(root: string, file: File): readonly Finding[] {
  const [workspace = '', folder] = file.path.split('/')
  return importsOf(file).flatMap(({ name, node }): readonly Finding[] => {
    const finding = (rule: string, message: string) => [
      { path: file.path, line: lineOf(file.source, node), rule, message },
    ]
    const [, other, door] = /^@tributary\/([^/]+)(\/.+)?$/.exec(name) ?? []
    if (other !== undefined) {
      const doors = parseDoors(join(root, other, 'package.json'))
      if (!doors.includes(`.${door ?? ''}`))
        return finding('door', `${name} is no door of ${other}: see "exports" in its package.json`)
      const isDown = (workspaceLayers[other] ?? 9) < (workspaceLayers[workspace] ?? 9)
      return isDown || folder !== 'src' || other === workspace
        ? []
        : finding('layers', `${workspace} may not import ${other}: imports point down`)
    }
    if (name === '@duckdb/node-api' && folder === 'src' && !file.path.startsWith('delta/src/duckdb/'))
      return finding('duckdb', 'only delta/src/duckdb imports DuckDB')
    if (!name.startsWith('.')) return []
    const target = join(dirname(file.path), name)
    const [targetWorkspace, targetFolder] = target.split('/')
    if (targetWorkspace !== workspace && workspace in workspaceLayers && (folder === 'src' || targetFolder === 'src')) {
      return finding('door', `${target} lies in another workspace: use its door`)
    }
    if (folder === 'src' && targetFolder === 'test') return finding('layers', 'a source never imports a test')
    const isUp = workspace === 'delta' && folder === 'src' && deltaLayer(target) > deltaLayer(file.path)
    return isUp ? finding('layers', `${target} is a higher layer: imports point down`) : []
  })
}

function deltaLayer(path: string): number {
  const part = path.split('/')[2] ?? ''
  return deltaLayers.findIndex((layer) => layer.includes(part))
}

function parseDoors(packagePath: string): readonly string[] {
  if (!existsSync(packagePath)) return []
  const { exports = {} } = JSON.parse(readFileSync(packagePath, 'utf8')) as { exports?: Record<string, unknown> }
  return Object.keys(exports)
}

// Types count too: a type that needs the file that needs it cannot be read alone.
function checkCycles(files: readonly File[]): readonly Finding[] {
  const graph = new Map(
    files.map((file) => [
      file.path,
      importsOf(file)
        .filter(({ name }) => name.startsWith('.'))
        .map(({ name }) => join(dirname(file.path), name)),
    ]),
  )
  const done = new Set<string>()
  const findings: Finding[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      findings.push({ path, line: 1, rule: 'cycle', message: [...trail.slice(trail.indexOf(path)), path].join(' → ') })
    } else if (!done.has(path)) {
      for (const target of graph.get(path) ?? []) visit(target, [...trail, path])
      done.add(path)
    }
  }
  for (const path of graph.keys()) visit(path, [])
  return findings
}

function checkFolders(files: readonly File[]): readonly Finding[] {
  const folders = new Map<string, number>()
  for (const { path } of files.filter((file) => file.isSource))
    folders.set(dirname(path), (folders.get(dirname(path)) ?? 0) + 1)
  return [...folders].flatMap(([path, count]): readonly Finding[] => {
    const levels = path.split('/').length - 2
    if (levels > folderLevelsMax)
      return [{ path, line: 1, rule: 'folder', message: `${levels} levels below src; ${folderLevelsMax} is the limit` }]
    return levels > 0 && count < folderFilesMin
      ? [{ path, line: 1, rule: 'folder', message: `${count} files: a folder only from ${folderFilesMin} on` }]
      : []
  })
}
