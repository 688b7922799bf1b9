import { fileSettings, TributaryError } from '@tributary/delta/log'
import { z } from 'zod'

const VALUE = 'Write the value in quotes, as in delta.parquet.format.version: "2.12.0"'
const value = z.string(VALUE).min(1, VALUE).optional()

/** Properties of the Delta table, by their names in Delta Lake. */
export const tableProperties = z
  .strictObject(
    {
      // They say how files are packed, and their values are checked here. Others are for who owns the table: any Delta writer sets them.
      'delta.parquet.compression.codec': value,
      'delta.parquet.format.version': value,
    },
    'Write properties of the Delta table, such as {delta.parquet.compression.codec: zstd}',
  )
  .transform((properties, context): Readonly<Record<string, string>> => {
    const configuration = Object.fromEntries(
      Object.entries(properties).flatMap(([name, text]) => (text === undefined ? [] : [[name, text] as const])),
    )
    try {
      fileSettings({ configuration })
    } catch (error) {
      if (!(error instanceof TributaryError)) throw error
      context.addIssue({ code: 'custom', message: error.message })
    }
    return configuration
  })
