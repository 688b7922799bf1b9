// The test of style: what docs and habits ask for and no linter knows. `node tidy.ts` prints one line a finding and exits 1 if
// there is any. It parses with the TypeScript compiler, so that a word in a text or a comment is never mistaken for code.

import { existsSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { API } from 'typescript/unstable/sync'
import { checkCode } from './.ci/tidy-code.ts'
import { checkDocuments } from './.ci/tidy-documents.ts'
import { checkTree } from './.ci/tidy-imports.ts'
import type { File, Finding } from './.ci/tidy-nodes.ts'

// Breaking a rule needs a line in the list below with its reason. A line that is no longer needed is a finding itself.
interface Exemption {
  readonly path: string
  readonly rule: string
  readonly reason: string
}

const exemptionsHere: readonly Exemption[] = [
  { path: 'delta/src/errors.ts', rule: 'file length', reason: 'one function a code: the list is the point' },
  { path: 'pipeline/src/errors.ts', rule: 'file length', reason: 'one function a code: the list is the point' },
]

/** Check the checkout at `root`: what its `tsconfig.json` includes, its folders, and `docs/errors.md`. An exemption that is not needed is a finding. */
export function tidy(root: string, exemptions: readonly Exemption[]): readonly Finding[] {
  const api = new API({ cwd: root })
  try {
    const project = api.updateSnapshot({ openProjects: [join(root, 'tsconfig.json')] }).getProjects()[0]
    const files = (project?.rootFiles ?? []).flatMap((name): readonly File[] => {
      const source = project?.program.getSourceFile(name)
      const path = relative(root, name)
      return source === undefined || path.endsWith('.d.ts')
        ? []
        : [{ path, source, isSource: path.split('/')[1] === 'src' }]
    })
    const findings = [...files.flatMap(checkCode), ...checkTree(root, files), ...checkDocuments(root, files)]
    return applyExemptions(files, findings, exemptions)
  } finally {
    api.close()
  }
}

function applyExemptions(
  files: readonly File[],
  findings: readonly Finding[],
  exemptions: readonly Exemption[],
): readonly Finding[] {
  const matches = (finding: Finding, exemption: Exemption) =>
    finding.path === exemption.path && finding.rule === exemption.rule
  const stale = exemptions.filter(
    (exemption) =>
      files.some((file) => file.path === exemption.path) && !findings.some((finding) => matches(finding, exemption)),
  )
  return [
    ...findings.filter((finding) => !exemptions.some((exemption) => matches(finding, exemption))),
    ...stale.map(({ path, rule }) => ({
      path,
      line: 1,
      rule: 'exemption',
      message: `the exemption from "${rule}" is not needed any more`,
    })),
  ]
}

if (import.meta.main) {
  const root = import.meta.dirname
  const findings = tidy(root, exemptionsHere)
  for (const { path, line, rule, message } of findings) console.log(`${path}:${line}  ${rule}: ${message}`)
  const folders = readdirSync(root).filter((name) => existsSync(join(root, name, 'src')))
  console.log(findings.length === 0 ? `tidy: ${folders.join(', ')}` : `tidy: ${findings.length} findings`)
  process.exitCode = findings.length === 0 ? 0 : 1
}
