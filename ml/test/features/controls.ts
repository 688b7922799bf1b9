import { type KeyQuery, keyQueries } from '../../src/features/affected-keys.ts'
import { keyItems, linkedFrom } from '../../src/features/key-queries.ts'
import { atTime, selectText } from '../../src/features/trees.ts'
import type { FindKeys } from './incremental.ts'

/** A way of finding keys that leaves something out, and where random histories soon show it. */
interface Control {
  readonly seed: number
  /** SQL that can show it, where that is seldom. */
  readonly shape?: RegExp
  readonly findKeys: FindKeys
}

// What goes wrong when a part of the method is left out. Each has to fail, or the property proves nothing about that part.
export const controls: Readonly<Record<string, Control>> = {
  'follows only rows as they are now': {
    seed: 1,
    findKeys: async (...parts) => (await keyQueries(...parts)).filter(({ kind }) => kind !== 'before'),
  },
  'joins rows that went to the other tables as they are now': {
    seed: 6,
    findKeys: (fork, query, states, times) => keyQueries(fork, query, { ...states, old: states.now }, times),
  },
  'keeps WHERE in the key queries': { seed: 3, shape: / JOIN .* IS NULL/, findKeys: keysByWhere },
  'takes no account of the time that went on': {
    seed: 2,
    findKeys: async (...parts) => (await keyQueries(...parts)).filter(({ kind }) => kind !== 'edge'),
  },
}

async function keysByWhere(...[fork, query, states, times]: Parameters<FindKeys>): Promise<readonly KeyQuery[]> {
  const edges = (await keyQueries(fork, query, states, times)).filter(({ kind }) => kind === 'edge')
  const linked: KeyQuery[] = []
  for (const kind of ['before', 'after'] as const) {
    const [state, timeMs] = kind === 'before' ? [states.old, times.fromMs] : [states.now, times.toMs]
    const where = await atTime(fork, query.select['where_clause'] ?? null, timeMs)
    for (const [input, changed] of states[kind].entries()) {
      if (changed === undefined) continue
      const names = state.map((name, other) => (other === input ? changed : name))
      // All tables stay, or WHERE could not be computed.
      const from = linkedFrom({ ...query, asofInputs: [] }, { input, names })
      linked.push({ kind, sql: await selectText(fork, { items: keyItems(query), from, where }) })
    }
  }
  return [...edges, ...linked]
}
