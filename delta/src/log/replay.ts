// PROTOCOL.md, "Action Reconciliation". A state is a base (a checkpoint, or nothing) with commits laid over it. Only the files that
// the commits touch are put into a map and looked up in the base, so laying one commit over a large state stays cheap.

import type {
  Action,
  AddFile,
  DeletionVectorDescriptor,
  Metadata,
  Protocol,
  RemoveFile,
  SetTransaction,
} from '../protocol/actions.ts'
import { pathKey, replaceByPath } from './files-by-path.ts'

/** All that the log says about a table at one version. */
export interface TableState {
  readonly protocol: Protocol | undefined
  readonly metadata: Metadata | undefined
  /** By path. */
  readonly files: readonly AddFile[]
  /** By path. */
  readonly tombstones: readonly RemoveFile[]
  readonly transactions: ReadonlyMap<string, SetTransaction>
  readonly domains: ReadonlyMap<string, string>
}

/** The state of a table before its first commit. */
export const EMPTY_STATE: TableState = {
  protocol: undefined,
  metadata: undefined,
  files: [],
  tombstones: [],
  transactions: new Map(),
  domains: new Map(),
}

/** Collects commits, in order, to lay them over a state. */
export interface Replay {
  readonly add: (actions: readonly Action[]) => void
  readonly finish: () => TableState
}

/** Begin to lay commits over a state; the state itself is not changed. */
export function startReplay(base: TableState): Replay {
  let { protocol, metadata } = base
  const transactions = new Map(base.transactions)
  const domains = new Map(base.domains)
  const touched = new Map<string, Touched>()

  const apply = (action: Action): void => {
    if ('add' in action) touched.set(fileKey(action.add), { add: action.add })
    else if ('metaData' in action) metadata = action.metaData
    else if ('protocol' in action) protocol = action.protocol
    else if ('txn' in action) transactions.set(action.txn.appId, action.txn)
    else if ('domainMetadata' in action) {
      const { domain, configuration, removed } = action.domainMetadata
      if (removed) domains.delete(domain)
      else domains.set(domain, configuration)
    }
  }

  return {
    add: (actions) => {
      actions.forEach(apply)
      // Actions of one commit have no order. One that adds and removes the same file breaks the protocol; the remove wins,
      // as in other readers.
      for (const action of actions)
        if ('remove' in action) touched.set(fileKey(action.remove), { remove: action.remove })
    },
    finish: () => ({ protocol, metadata, transactions, domains, ...layOver(base, touched) }),
  }
}

/** What identifies a file in the log: its path, decoded once, and its deletion vector. */
export function fileKey(file: { readonly path: string; readonly deletionVector?: DeletionVectorDescriptor }): string {
  const path = pathKey(file.path)
  const vector = file.deletionVector
  return vector === undefined ? path : `${path}\n${deletionVectorId(vector)}`
}

/** PROTOCOL.md, "Deletion Vector Descriptor Schema": the unique id of a deletion vector. */
export function deletionVectorId(vector: DeletionVectorDescriptor): string {
  return `${vector.storageType}${vector.pathOrInlineDv}${vector.offset === undefined ? '' : `@${vector.offset}`}`
}

type Touched = { readonly add: AddFile } | { readonly remove: RemoveFile }

function layOver(base: TableState, touched: ReadonlyMap<string, Touched>): Pick<TableState, 'files' | 'tombstones'> {
  if (touched.size === 0) return { files: base.files, tombstones: base.tombstones }
  const added: AddFile[] = []
  const removed: RemoveFile[] = []
  for (const file of touched.values()) {
    if ('add' in file) added.push(file.add)
    else removed.push(file.remove)
  }
  const paths = [...added, ...removed].map(({ path }) => path)
  const isTouched = (file: AddFile | RemoveFile): boolean => touched.has(fileKey(file))
  return {
    files: replaceByPath(base.files, { paths, isTouched, fresh: added }),
    tombstones: replaceByPath(base.tombstones, { paths, isTouched, fresh: removed }),
  }
}
