// What is known of a file before its layout is.
import type { S3Settings } from '../config/s3-settings.ts'

/** What one field of a file's records is; names are the source's. */
export interface LayoutField {
  readonly name: string
  readonly role: 'op' | 'column' | 'before-image'
}

/** What a file's layout is judged by. */
export interface LayoutFacts {
  readonly key: string
  readonly table: string
  readonly settings: S3Settings
  readonly isLoad: boolean
  /** The table's source columns in order; undefined when nothing is known yet. */
  readonly known: readonly string[] | undefined
  /** Columns listed in the configuration: a listed `BI_x` or timestamp column is a column. */
  readonly listed: readonly string[]
  readonly keyColumns: readonly string[]
  readonly sequence: string | undefined
  /** Whether a text can be a value of a key column. */
  readonly looksLikeKey: (column: string, text: string) => boolean
  /** Number of fields of the table's headerless files of this kind so far; undefined before the first. */
  readonly seenWidth: number | undefined
  /** Columns whose loss and gain are agreed to (`tributary resolve`). */
  readonly isSchemaAccepted: boolean
}
