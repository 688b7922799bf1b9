// The door `@tributary/delta/log`: a table as its log tells it. A command that reads no rows starts sooner through it.
export { type Clock, systemClock } from './clock.ts'
export { TributaryError } from './errors.ts'
export { commitInfoOf, listCommitTimes, readCommits } from './log/read-commit.ts'
export { readSnapshot, type Snapshot } from './log/snapshot.ts'
export type { CommitInfo } from './protocol/actions.ts'
export { parseStats } from './protocol/stats.ts'
export { localStore } from './store/local.ts'
export type { Store } from './store/store.ts'
