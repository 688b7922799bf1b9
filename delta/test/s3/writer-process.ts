// A writer that is going to be killed: writer-process.ts URL FIRST_ID. Appends two rows a commit, then changes one of them, and tells
// its parent each id whose commit was confirmed.

import { openTable } from '../../src/table.ts'

const [url = '', first = '0'] = process.argv.slice(2)
await using table = await openTable(url)
for (let id = Number(first); id < Number(first) + 1_000; id += 2) {
  const appended = await table.append([id, id + 1].map((each) => ({ id: each, name: 'new' })))
  if (appended.kind === 'committed') process.send?.({ id, name: 'new' })
  const changed = await table.upsert({ key: ['id'], changes: [{ id, name: 'changed' }] })
  if (changed.kind === 'committed') process.send?.({ id, name: 'changed' })
}
