import type { Verb } from './invocation.ts'

/** All verbs, in the order of a first day with Tributary. */
export const VERBS: readonly Verb[] = [
  {
    name: 'init',
    summary: 'look at a landing folder and write tributary.yaml',
    load: async () => (await import('./verbs/init.ts')).addInit,
  },
  {
    name: 'ingest',
    summary: 'apply the change files that wait',
    load: async () => (await import('./verbs/ingest.ts')).addIngest,
  },
  {
    name: 'status',
    summary: 'all tables at a glance',
    load: async () => (await import('./verbs/status.ts')).addStatus,
  },
  {
    name: 'show',
    summary: 'one table: columns, size, protocol, how to read it',
    load: async () => (await import('./verbs/show.ts')).addShow,
  },
  {
    name: 'cat',
    summary: 'the rows of a table, now or at an older version',
    load: async () => (await import('./verbs/cat.ts')).addCat,
  },
  { name: 'sql', summary: 'a query over live tables', load: async () => (await import('./verbs/sql.ts')).addSql },
  {
    name: 'changes',
    summary: 'what has changed: inserts, updates, deletes',
    load: async () => (await import('./verbs/changes.ts')).addChanges,
  },
  {
    name: 'history',
    summary: 'the versions of a table',
    load: async () => (await import('./verbs/history.ts')).addHistory,
  },
  {
    name: 'explain',
    summary: 'what a commit cost and why, and what upkeep would do now',
    load: async () => (await import('./verbs/explain.ts')).addExplain,
  },
  { name: 'row', summary: 'the life of one row', load: async () => (await import('./verbs/row.ts')).addRow },
  {
    name: 'check',
    summary: 'look for damage: files, counts, keys, ledger',
    load: async () => (await import('./verbs/check.ts')).addCheck,
  },
  {
    name: 'resolve',
    summary: 'let a stopped table go on',
    load: async () => (await import('./verbs/resolve.ts')).addResolve,
  },
  {
    name: 'quarantine',
    summary: 'rows that could not be applied: ls, show, replay',
    load: async () => (await import('./verbs/quarantine.ts')).addQuarantine,
  },
  {
    name: 'optimize',
    summary: 'the same rows in better files: pack, purge, cluster',
    load: async () => (await import('./verbs/optimize.ts')).addOptimize,
  },
  {
    name: 'vacuum',
    summary: 'delete the files that no version needs any more',
    load: async () => (await import('./verbs/vacuum.ts')).addVacuum,
  },
  {
    name: 'restore',
    summary: 'make a table what it was at a version or time',
    load: async () => (await import('./verbs/restore.ts')).addRestore,
  },
  {
    name: 'pin',
    summary: 'keep a version readable: pin orders@v12 NAME',
    load: async () => (await import('./verbs/pin.ts')).addPin,
  },
  {
    name: 'unpin',
    summary: 'let a pinned version go',
    load: async () => (await import('./verbs/pin.ts')).addUnpin,
  },
  {
    name: 'adopt',
    summary: 'feed a Delta table that another program wrote',
    load: async () => (await import('./verbs/adopt.ts')).addAdopt,
  },
  {
    name: 'release',
    summary: 'take a table out of the hands of Tributary',
    load: async () => (await import('./verbs/adopt.ts')).addRelease,
  },
  {
    name: 'feature',
    summary: 'tables that follow the live ones by SQL: plan, refresh, check, status, get, history, skew',
    load: async () => (await import('./verbs/feature.ts')).addFeature,
  },
  {
    name: 'dataset',
    summary: 'training sets: plan, build, list, show, stats, drift, diff, verify, explain, export, forget, rm',
    load: async () => (await import('./verbs/dataset.ts')).addDataset,
  },
  {
    name: 'demo',
    summary: 'real data to try: flights, s3, ml',
    load: async () => (await import('./verbs/demo.ts')).addDemo,
  },
  {
    name: 'completion',
    summary: 'completion for bash, zsh or fish',
    load: async () => (await import('./verbs/completion.ts')).addCompletion,
  },
  {
    name: 'help',
    summary: 'help on a verb or a topic: config, times, versions, exit-codes, formats',
    load: async () => (await import('./verbs/help.ts')).addHelp,
  },
  {
    name: '__complete',
    summary: 'candidates for the shell',
    hidden: true,
    load: async () => (await import('./verbs/complete.ts')).addComplete,
  },
]
