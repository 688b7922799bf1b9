// ASOF joins. A row of the left side takes one partner on the right: of the rows whose columns are equal to its own the one that is nearest
// in time. So a row may lose its partner though neither of them changed, when another row came between them, or get one when it went. That
// other row fulfils the conditions of the join too, so it leads to the row on the left, and to nothing else that can be relied on: whatever
// was joined to the old partner afterwards may not be joined to the new one. The key has to be on the left of the first ASOF join.

import { isNode, type Tree, type TreeNode, textOf } from '@tributary/pipeline'
import { conjunctsOf } from './assert-local.ts'
import { namesOf, type Resolve, type TypedColumn } from './columns.ts'
import type { Outline, Refuse } from './parse-feature-sql.ts'

/** A table on the right of an ASOF join. */
export interface AsofJoin {
  readonly input: number
  /** Its columns that decide which of its rows is taken: those that have to be equal, and the time. */
  readonly columns: readonly string[]
}

/** What the conditions of ASOF joins are looked at with. */
export interface AsofRules {
  /** Of each input. */
  readonly columns: readonly (readonly TypedColumn[])[]
  readonly resolve: Resolve
  readonly refuse: Refuse
}

/** The ASOF joins of a feature, in order. Refuses conditions that are no comparisons of columns, and a key that a join does not keep. */
export function asofJoins(outline: Outline, key: readonly TreeNode[], rules: AsofRules): readonly AsofJoin[] {
  const joins = outline.joins.flatMap((join, index) => (join.isAsof ? [asofJoin(join, index + 1, rules)] : []))
  const [first] = joins
  for (const reference of first === undefined ? [] : key)
    if (!inputsOf(reference, rules.resolve).some((input) => input < (first?.input ?? 0)))
      throw rules.refuse(
        `an entity column ${namesOf(reference).join('.')} that is not on the left of its ASOF JOIN`,
        'Take it from a table before the join, or split the query into two features: one with the key of the left side, and one that reads it',
      )
  return joins
}

interface Pair {
  /** The column on the left, by the inputs that have it; several when USING merged them. */
  readonly left: readonly number[]
  readonly leftName: string
  readonly rightName: string
  readonly isEquality: boolean
}

const TIMES = [
  'COMPARE_GREATERTHANOREQUALTO',
  'COMPARE_GREATERTHAN',
  'COMPARE_LESSTHANOREQUALTO',
  'COMPARE_LESSTHAN',
] as const

function asofJoin(join: Outline['joins'][number], input: number, rules: AsofRules): AsofJoin {
  const pairs = join.using.length > 0 ? usingPairs(join.using, input, rules) : onPairs(join.condition, input, rules)
  const times = pairs.filter(({ isEquality }) => !isEquality).length
  if (times !== 1)
    throw rules.refuse(`an ASOF JOIN with ${times} inequalities`, 'Compare one time of each side, as in a.t >= b.t')
  for (const { left, leftName, rightName } of pairs)
    for (const other of left) {
      const [ours, theirs] = [typeIn(rules, other, leftName), typeIn(rules, input, rightName)]
      if (ours !== theirs && (FAMILIES[ours] ?? ours) !== (FAMILIES[theirs] ?? theirs))
        throw rules.refuse(
          `an ASOF JOIN that compares ${leftName}, a ${ours}, with ${rightName}, a ${theirs}`,
          'Cast one of them in a feature before this one',
        )
    }
  return { input, columns: pairs.map(({ rightName }) => rightName) }
}

// Compared with each other values of these types stay as different as they are: two rows that tie in the join have one value.
const FAMILIES: Readonly<Record<string, string>> = {
  TINYINT: 'integer',
  SMALLINT: 'integer',
  INTEGER: 'integer',
  BIGINT: 'integer',
  FLOAT: 'floating',
  DOUBLE: 'floating',
  DATE: 'time',
  TIMESTAMP: 'time',
  'TIMESTAMP WITH TIME ZONE': 'time',
}

function typeIn({ columns }: AsofRules, input: number, name: string): string {
  return columns[input]?.find((column) => column.name.toLowerCase() === name)?.type ?? ''
}

/** DuckDB takes the last column of USING for the time: `left >= right`. */
function usingPairs(using: readonly string[], input: number, { resolve }: AsofRules): readonly Pair[] {
  return using.map((name, index) => {
    const left = inputsOf({ type: 'COLUMN_REF', column_names: [name] }, resolve).filter((other) => other < input)
    return { left, leftName: name, rightName: name, isEquality: index < using.length - 1 }
  })
}

function onPairs(condition: Tree, input: number, { resolve, refuse }: AsofRules): readonly Pair[] {
  return conjunctsOf(condition).map((part) => {
    const type = isNode(part) ? (textOf(part['type']) ?? '') : ''
    const [one, other] = isNode(part) ? [part['left'] ?? null, part['right'] ?? null] : [null, null]
    const isEquality = type === 'COMPARE_EQUAL'
    const isKnown = isEquality || TIMES.some((known) => known === type)
    const pair = isKnown ? (pairOf(one, other) ?? pairOf(other, one)) : undefined
    if (pair === undefined)
      throw refuse(
        'a condition of an ASOF JOIN that compares no column of its right table with a column before it',
        'Write a.k = b.k AND a.t >= b.t with plain columns: filter and compute in a feature before this one',
      )
    return { ...pair, isEquality }
  })

  function pairOf(ours: Tree, theirs: Tree): Omit<Pair, 'isEquality'> | undefined {
    const [leftName, rightName] = [plainName(ours, resolve), plainName(theirs, resolve)]
    if (leftName === undefined || rightName === undefined) return undefined
    const left = isNode(ours) ? inputsOf(ours, resolve).filter((other) => other < input) : []
    const isRight = isNode(theirs) && inputsOf(theirs, resolve).every((other) => other === input)
    return left.length > 0 && isRight ? { left, leftName, rightName } : undefined
  }
}

/** The name of a column that is no field of another. */
function plainName(tree: Tree, resolve: Resolve): string | undefined {
  if (!isNode(tree) || tree['type'] !== 'COLUMN_REF') return undefined
  const column = resolve(tree)
  if (column.kind === 'merged') return column.name
  return column.kind === 'input' && column.path.length === 1 ? column.path[0] : undefined
}

function inputsOf(reference: TreeNode, resolve: Resolve): readonly number[] {
  const column = resolve(reference)
  if (column.kind === 'input') return [column.input]
  return column.kind === 'item' ? [] : column.inputs
}
