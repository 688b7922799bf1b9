/** One object of a listing. */
export interface StoreEntry {
  /** Path from the store's root, `/` between parts, not URI-encoded. */
  readonly path: string
  readonly sizeBytes: number
  /** Milliseconds since the epoch. */
  readonly modifiedMs: number
  /** Another one for other bytes; buckets tell it. */
  readonly eTag?: string
}

/** What of a listing is wanted. */
export interface ListOptions {
  /** Only what comes after this path. */
  readonly after?: string
  /** Entries of before that will do for objects that are still there: a disk has to look at each file for its size and time. */
  readonly recall?: (path: string) => StoreEntry | undefined
}

/**
 * Where a table's bytes are: the one contract between the protocol and a disk, a bucket or memory.
 * Paths are relative to the root, `/` between parts, plain text (never URI-encoded), and may not climb out of it.
 * Every implementation passes `test/store-contract.ts`.
 */
export interface Store {
  /** The root as a URL with a closing slash: `file:///lake/orders/`, `memory://1/`. */
  readonly url: string
  /** The whole object. Throws `FILE_NOT_FOUND`. */
  readonly read: (path: string) => Promise<Uint8Array>
  /** `length` bytes from `offset`. Throws `FILE_NOT_FOUND`, or `FILE_TRUNCATED` when the object is shorter. */
  readonly readRange: (path: string, range: { readonly offset: number; readonly length: number }) => Promise<Uint8Array>
  /** Size and time of one object, or undefined when there is none. */
  readonly stat: (path: string) => Promise<StoreEntry | undefined>
  /**
   * Everything whose path starts with `prefix` and, in UTF-8 byte order, comes after `after`; in that order.
   * A missing folder is an empty listing. `prefix` need not end at a slash.
   */
  readonly list: (prefix: string, options?: ListOptions) => AsyncIterable<StoreEntry>
  /** Put-if-absent: the object appears whole and durable, or not at all. The basis of every commit. */
  readonly create: (path: string, bytes: Uint8Array) => Promise<'created' | 'exists'>
  /** Replace or create; a reader sees the old bytes or the new ones, never a mix. Durable on return. */
  readonly write: (path: string, bytes: Uint8Array) => Promise<void>
  /** Deleting what is not there is no error. */
  readonly delete: (path: string) => Promise<void>
  /** The name by which DuckDB opens the object: an absolute file path, or a URL. Parent folders exist on return. */
  readonly locate: (path: string) => Promise<string>
  /** Make durable what DuckDB wrote under `locate(path)`, and tell its size. Throws `FILE_NOT_FOUND`. */
  readonly sync: (path: string) => Promise<StoreEntry>
  /** What is needed where objects are no files of this machine; absent where they are. */
  readonly remote?: RemoteObjects
}

/** Objects behind a network. */
export interface RemoteObjects {
  /** How a query engine gets to the URLs of `locate`. Asked anew, it renews what expires. */
  readonly access: () => Promise<StoreAccess>
  /** Copy an object into a new file of this machine: all of it, and of one state. Throws `FILE_NOT_FOUND`. */
  readonly download: (path: string, file: string) => Promise<StoreEntry>
}

/** What a query engine must know to open objects of a bucket. It holds a secret: it is never shown, logged or kept. */
export interface StoreAccess {
  /** URL that all objects begin with. */
  readonly scope: string
  /** Host, with a port where it is not the usual one. */
  readonly host: string
  readonly usesTls: boolean
  /** The bucket stands in the path, not in the host's name. */
  readonly isPathStyle: boolean
  readonly region: string
  readonly keyId: string
  readonly secret: string
  readonly sessionToken: string | undefined
}
