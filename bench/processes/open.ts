// A table is opened, and opened again when nothing has changed.

import { localStore, readSnapshot, refreshSnapshot } from '@tributary/delta'

const [folder = ''] = process.argv.slice(2)
const startedMs = performance.now()
const snapshot = await readSnapshot(localStore(folder))
const openedMs = performance.now()
await refreshSnapshot(snapshot)
const again = performance.now() - openedMs
console.log(
  JSON.stringify({
    ms: openedMs - startedMs,
    againMs: again,
    files: snapshot.files.length,
    version: snapshot.version,
  }),
)
