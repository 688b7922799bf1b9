import type { Engine } from '@tributary/delta'
import { isNode, itemsOf, type Tree, type TreeNode, textOf } from '@tributary/pipeline'
import type { Refuse } from './parse-feature-sql.ts'

/** What an aggregate needs to give one result for one set of rows, whatever their order. */
export type AggregateKind =
  /** Nothing: it does not look at the order. */
  | 'free'
  /** Nothing for integers and decimals; sums of floating numbers depend on the order in their last digits. */
  | 'sum'
  /** The order of its arguments. */
  | 'ordered'
  /** It takes any row: the smallest value is taken instead. */
  | 'any'
  /** It takes the row with the greatest or smallest value: ties are broken by the argument. */
  | 'extreme'

const KINDS: Readonly<Record<AggregateKind, string>> = {
  free: `count count_star count_if countif min max bool_and bool_or bit_and bit_or bit_xor median mad quantile_cont quantile_disc
    quantile approx_count_distinct regr_count histogram`,
  sum: 'sum avg mean',
  ordered: `fsum sumkahan kahan_sum favg product stddev stddev_pop stddev_samp variance var_pop var_samp skewness kurtosis kurtosis_pop sem
    corr covar_pop covar_samp regr_avgx regr_avgy regr_sxx regr_sxy regr_syy regr_slope regr_intercept regr_r2 list array_agg
    string_agg group_concat listagg`,
  any: 'any_value',
  extreme: 'max_by arg_max argmax min_by arg_min argmin',
}

const AGGREGATES: ReadonlyMap<string, AggregateKind> = new Map(
  (['free', 'sum', 'ordered', 'any', 'extreme'] as const).flatMap((kind) =>
    KINDS[kind].split(/\s+/).map((name): [string, AggregateKind] => [name, kind]),
  ),
)

/** What DuckDB writes as macros and what is known to compute with its arguments only. */
const SAFE_MACROS: ReadonlySet<string> = new Set(['nullif', 'fdiv', 'fmod', 'round_even', 'roundbankers', 'split_part'])

/** The kind of an aggregate, undefined for any other function. */
export function aggregateKind(node: TreeNode): AggregateKind | undefined {
  return node['type'] === 'FUNCTION' ? AGGREGATES.get(functionName(node)) : undefined
}

/** The name of a function, in lower case. */
export function functionName(node: TreeNode): string {
  return (textOf(node['function_name']) ?? '').toLowerCase()
}

/** Whether a part of the tree computes over rows. */
export function isAggregate(node: TreeNode): boolean {
  return node['class'] === 'WINDOW' || aggregateKind(node) !== undefined
}

/** What queries differ in that must give one result. */
export interface Determinism {
  /** What to write instead of a clock. */
  readonly clock: string
  /** Calls that the query may have although DuckDB does not list them as plain functions. */
  readonly isSafe: (call: TreeNode) => boolean
}

const OF_FEATURES: Determinism = { clock: ':as_of, the time of the refresh', isSafe: () => false }

/**
 * Refuses functions that give another result at another time, in another order or on another machine. DuckDB's own catalogue says which are
 * consistent; one that it does not list as a plain function is refused.
 */
export async function assertDeterministic(
  engine: Engine,
  select: Tree,
  refuse: Refuse,
  { clock, isSafe }: Determinism = OF_FEATURES,
): Promise<void> {
  const calls = functionsIn(select).filter((call) => !isSafe(call))
  if (calls.some((call) => functionName(call) === 'age' && itemsOf(call['children']).length === 1))
    throw refuse('the function age of one time, which counts to today', `Compare the time with ${clock}`)
  const names = [...new Set(calls.map(functionName))].filter((name) => !AGGREGATES.has(name) && !SAFE_MACROS.has(name))
  if (names.length === 0) return
  const known = await catalogueOf(engine)
  for (const name of names) {
    const row = known.get(name)
    if (row?.isSafe === true && !UNSAFE.has(name) && !MOVING.has(name)) continue
    if (row?.isAggregate === true)
      throw refuse(
        `the aggregate ${name}, whose result depends on the order of rows`,
        'Use min, max, max_by or list with ORDER BY',
      )
    if (MOVING.has(name)) throw refuse(`the function ${name}`, `Write ${clock}`)
    throw refuse(
      `the function ${name}, which is not known to give the same result each time`,
      'Compute it without that',
    )
  }
}

interface KnownFunction {
  readonly isSafe: boolean
  readonly isAggregate: boolean
}

const catalogues = new WeakMap<object, Promise<ReadonlyMap<string, KnownFunction>>>()

// It never changes, and DuckDB takes long to list it.
function catalogueOf(engine: Engine): Promise<ReadonlyMap<string, KnownFunction>> {
  const known = catalogues.get(engine.database) ?? readCatalogue(engine)
  catalogues.set(engine.database, known)
  return known
}

async function readCatalogue(engine: Engine): Promise<ReadonlyMap<string, KnownFunction>> {
  const rows = await engine.all(
    `SELECT lower(function_name) AS name, bool_and(function_type = 'scalar' AND stability = 'CONSISTENT') AS is_safe,
       bool_or(function_type = 'aggregate') AS is_aggregate FROM duckdb_functions() GROUP BY ALL`,
  )
  return new Map(
    rows.map((row) => [
      String(row['name']),
      { isSafe: row['is_safe'] === true, isAggregate: row['is_aggregate'] === true },
    ]),
  )
}

const MOVING: ReadonlySet<string> = new Set([
  'now',
  'today',
  'current_date',
  'get_current_timestamp',
  'get_current_time',
  'transaction_timestamp',
  'localtimestamp',
  'current_timestamp',
  'current_localtime',
  'current_localtimestamp',
])

// Listed as consistent, and yet they tell of this machine, of what else is in the database, or how DuckDB holds a value just now.
const UNSAFE: ReadonlySet<string> = new Set([
  'current_setting',
  'getenv',
  'getvariable',
  'version',
  'json_serialize_plan',
  'json_execute_serialized_sql',
  'currval',
  'pg_sleep',
  'hash',
  'vector_type',
])

function functionsIn(tree: Tree): readonly TreeNode[] {
  if (Array.isArray(tree)) return tree.flatMap((item: Tree) => functionsIn(item))
  if (!isNode(tree)) return []
  const inner = Object.values(tree).flatMap((item) => functionsIn(item))
  return tree['type'] === 'FUNCTION' ? [tree, ...inner] : inner
}
