// PROTOCOL.md, "Actions". Field names are the protocol's own; a field we do not know is dropped on reading.

/** PROTOCOL.md, "Add File". `path` is kept as the log spells it (a URI reference). */
export interface AddFile {
  readonly path: string
  readonly partitionValues: Readonly<Record<string, string | null>>
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly modificationTime: number
  readonly dataChange: boolean
  /** JSON text, as in the log; see `parseStats`. */
  readonly stats?: string
  readonly tags?: Readonly<Record<string, string>>
  readonly deletionVector?: DeletionVectorDescriptor
  readonly baseRowId?: number
  readonly defaultRowCommitVersion?: number
  readonly clusteringProvider?: string
}

/** PROTOCOL.md, "Remove File". */
export interface RemoveFile {
  readonly path: string
  readonly dataChange: boolean
  /** Milliseconds since the epoch. */
  readonly deletionTimestamp?: number
  readonly extendedFileMetadata?: boolean
  readonly partitionValues?: Readonly<Record<string, string | null>>
  readonly size?: number
  readonly stats?: string
  readonly tags?: Readonly<Record<string, string>>
  readonly deletionVector?: DeletionVectorDescriptor
  readonly baseRowId?: number
  readonly defaultRowCommitVersion?: number
}

/** PROTOCOL.md, "Deletion Vector Descriptor Schema". */
export interface DeletionVectorDescriptor {
  readonly storageType: 'u' | 'p' | 'i'
  readonly pathOrInlineDv: string
  readonly offset?: number
  readonly sizeInBytes: number
  readonly cardinality: number
}

/** PROTOCOL.md, "Add CDC File". */
export interface AddCdcFile {
  readonly path: string
  readonly partitionValues: Readonly<Record<string, string | null>>
  readonly size: number
  readonly dataChange: false
  readonly tags?: Readonly<Record<string, string>>
}

/** PROTOCOL.md, "Change Metadata". `schemaString` is JSON text; see `parseSchema`. */
export interface Metadata {
  readonly id: string
  readonly name?: string
  readonly description?: string
  readonly format: { readonly provider: string; readonly options: Readonly<Record<string, string>> }
  readonly schemaString: string
  readonly partitionColumns: readonly string[]
  /** Milliseconds since the epoch. */
  readonly createdTime?: number
  readonly configuration: Readonly<Record<string, string>>
}

/** PROTOCOL.md, "Protocol Evolution". */
export interface Protocol {
  readonly minReaderVersion: number
  readonly minWriterVersion: number
  readonly readerFeatures?: readonly string[]
  readonly writerFeatures?: readonly string[]
}

/** PROTOCOL.md, "Transaction Identifiers". */
export interface SetTransaction {
  readonly appId: string
  readonly version: number
  /** Milliseconds since the epoch. */
  readonly lastUpdated?: number
}

/** PROTOCOL.md, "Domain Metadata". */
export interface DomainMetadata {
  readonly domain: string
  readonly configuration: string
  readonly removed: boolean
}

/** PROTOCOL.md, "Commit Provenance Information": free-form; these are the fields we read or write. */
export interface CommitInfo {
  /** Milliseconds since the epoch. */
  readonly timestamp?: number
  readonly inCommitTimestamp?: number
  readonly operation?: string
  readonly operationParameters?: Readonly<Record<string, unknown>>
  readonly operationMetrics?: Readonly<Record<string, string>>
  readonly readVersion?: number
  readonly isolationLevel?: string
  readonly isBlindAppend?: boolean
  readonly engineInfo?: string
  readonly txnId?: string
  readonly userMetadata?: string
  readonly tags?: Readonly<Record<string, string>>
}

/** One line of a commit file. */
export type Action =
  | { readonly add: AddFile }
  | { readonly remove: RemoveFile }
  | { readonly cdc: AddCdcFile }
  | { readonly metaData: Metadata }
  | { readonly protocol: Protocol }
  | { readonly txn: SetTransaction }
  | { readonly domainMetadata: DomainMetadata }
  | { readonly commitInfo: CommitInfo }
