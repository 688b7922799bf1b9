// Loses commits, or the answers to them, where it matters: who is the first to ask for a version is the one that wins it.

import type { Fault, ProxiedRequest } from './fault-proxy.ts'

/** What was lost so far. */
export interface LostCommits {
  readonly choose: (request: ProxiedRequest) => Fault
  readonly requests: () => number
  readonly answers: () => number
}

/** Of three versions that are written, the first commit of one never arrives, and that of another is made without an answer. */
export function lostCommits(): LostCommits {
  const versions = new Set<string>()
  let requests = 0
  let answers = 0
  return {
    requests: () => requests,
    answers: () => answers,
    choose: ({ method, target }) => {
      const [version] = /_delta_log\/\d{20}\.json/.exec(target) ?? []
      if (method !== 'PUT' || version === undefined || versions.has(version)) return 'pass'
      versions.add(version)
      if (versions.size % 3 === 0) return 'pass'
      if (versions.size % 3 === 1) answers += 1
      else requests += 1
      return versions.size % 3 === 1 ? 'lose-answer' : 'lose-request'
    },
  }
}
