import { DuckDBInstance } from '@duckdb/node-api'

/** A DuckDB of the benchmark's own: peers and checks must not stand on the engine that is measured. */
export interface Duck {
  readonly run: (sql: string) => Promise<void>
  readonly row: (sql: string) => Promise<Readonly<Record<string, string>>>
  readonly close: () => void
}

/** Starts DuckDB in memory, in UTC. All values of `row` come as text. */
export async function openDuck(): Promise<Duck> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run(`SET TimeZone = 'UTC'`)
  return {
    run: async (sql) => void (await connection.run(sql)),
    row: async (sql) => {
      const reader = await connection.runAndReadAll(sql)
      const [row] = reader.getRowObjectsJS()
      return Object.fromEntries(Object.entries(row ?? {}).map(([name, value]) => [name, String(value)]))
    },
    close: () => {
      connection.closeSync()
      instance.closeSync()
    },
  }
}

/** A text as an SQL literal. */
export function literal(text: string): string {
  return `'${text.replaceAll(`'`, `''`)}'`
}
