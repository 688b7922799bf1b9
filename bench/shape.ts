/** A column as each of the parties knows it. */
export interface Column {
  readonly name: string
  /** Type in `tributary.yaml`. */
  readonly delta: string
  /** Type by which DuckDB reads the column from CSV. */
  readonly duckdb: string
}

/** What a table is to all contenders. */
export interface TableShape {
  /** `schema.table`, as in `tributary.yaml`. */
  readonly table: string
  readonly key: readonly string[]
  readonly columns: readonly Column[]
}

/** The columns of `read_csv` for the files of a table, as a STRUCT literal. */
export function csvColumns({ columns }: TableShape, options: { readonly withOp: boolean }): string {
  const typed = columns.map(({ name, duckdb }) => `'${name}': '${duckdb}'`)
  return `{${[...(options.withOp ? [`'Op': 'VARCHAR'`] : []), ...typed].join(', ')}}`
}

/** `SELECT` list that writes a timestamp as DMS does, with six digits. */
export function csvList({ columns }: TableShape): string {
  return columns
    .map(({ name, delta }) => (delta === 'timestamp' ? `strftime(${name}, '%Y-%m-%d %H:%M:%S.%f') AS ${name}` : name))
    .join(', ')
}

/** `SELECT` list for Parquet: an instant has a zone there, else Delta takes it for a local time. */
export function parquetList({ columns }: TableShape): string {
  return columns.map(({ name, delta }) => (delta === 'timestamp' ? `${name}::TIMESTAMPTZ AS ${name}` : name)).join(', ')
}

/** `SELECT` list in which equal rows are equal whoever stored them: an instant with a zone and one without have the same microseconds. */
export function comparedList({ columns }: TableShape): string {
  return columns.map(({ name, delta }) => (delta === 'timestamp' ? `epoch_us(${name}) AS ${name}` : name)).join(', ')
}

/** `tributary.yaml` for the table, with properties that the Delta table is to have; paths are relative to the file. */
export function configurationOf({ table, key, columns }: TableShape, properties: readonly string[] = []): string {
  return `landing: landing
lake: lake
dms: {DataFormat: csv, AddColumnName: true}
tables:
  ${table}:
    key: [${key.join(', ')}]
    columns: {${columns.map(({ name, delta }) => `${name}: '${delta}'`).join(', ')}}
${properties.length === 0 ? '' : `    properties: {${properties.join(', ')}}\n`}`
}
