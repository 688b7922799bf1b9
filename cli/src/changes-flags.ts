// What `changes` is asked by its flags, and which of them do not go together.
import { systemClock } from '@tributary/delta'
import { CHANGE_OPS, type ChangeOp, type CursorWish } from '@tributary/pipeline'
import { InvalidArgumentError } from 'commander'
import { flagsInvalid } from './errors.ts'
import { parseNames } from './parse-number.ts'
import type { Format } from './row-output.ts'

/** The flags of `changes`. */
export interface ChangesFlags {
  readonly output?: Format | 'json-changes'
  readonly out?: string
  readonly since?: string
  readonly until?: string
  readonly fromVersion?: number
  readonly toVersion?: number
  readonly net?: boolean
  readonly by?: 'commit' | 'source'
  readonly derive?: boolean
  /** With `derive` the names of the key columns, else the key of one row. */
  readonly key?: string
  readonly op?: readonly ChangeOp[]
  readonly columns?: readonly string[]
  readonly rows?: boolean
  readonly summary?: boolean
  readonly all?: boolean
  readonly cursor?: string
  readonly bootstrap?: boolean
  readonly reset?: boolean
  readonly peek?: boolean
  readonly ack?: boolean
}

/** What the flags ask for. */
export type ChangesWork = 'all' | 'acknowledge' | 'row' | 'summary' | 'rows'

/** Decides what is to be done; `isShown` when a person sees the output. Throws `FLAGS_INVALID` where flags contradict each other. */
export function chooseWork(
  table: string | undefined,
  flags: ChangesFlags,
  { isShown }: { readonly isShown: boolean },
): ChangesWork {
  assertEnds(flags)
  assertCursor(flags)
  if ((flags.all === true) === (table !== undefined))
    throw flagsInvalid('Either a table or --all says whose changes are meant', 'Give one of them')
  if (flags.derive === true && flags.key === undefined)
    throw flagsInvalid('--derive needs to know which columns tell rows apart', 'Write --derive --key order_id')
  const ofRows = given(flags, ['output', 'out', 'rows'])
  if (flags.summary === true && ofRows !== undefined)
    throw flagsInvalid(`--summary and ${ofRows} are two forms of the same changes`, 'Give one of them')
  if (flags.all === true) {
    assertAlone(flags, '--all counts the changes of every table', [...NOT_FOR_ALL])
    if (flags.since === undefined) throw flagsInvalid('--all needs to know since when', 'Write --all --since 1h')
    if (/^v?\d+$/i.test(flags.since))
      throw flagsInvalid('Versions of different tables are not the same moment', 'Give --since a time, or 1h')
    return 'all'
  }
  if (flags.ack === true) return 'acknowledge'
  if (flags.key !== undefined && flags.derive !== true) {
    assertAlone(flags, '--key VALUE asks for the life of one row', [...NOT_FOR_ROW])
    return 'row'
  }
  if (flags.summary === true) return 'summary'
  return isShown && ofRows === undefined ? 'summary' : 'rows'
}

/** The flags as the pipeline understands them. */
export function changesWish(flags: ChangesFlags): CursorWish {
  const { since, until, fromVersion, toVersion, net, by, columns, bootstrap, reset } = flags
  return {
    nowMs: systemClock.now(),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(fromVersion === undefined ? {} : { fromVersion }),
    ...(toVersion === undefined ? {} : { toVersion }),
    ...(net === undefined ? {} : { net }),
    ...(by === undefined ? {} : { by }),
    ...(columns === undefined ? {} : { columns }),
    ...(bootstrap === undefined ? {} : { bootstrap }),
    ...(reset === undefined ? {} : { reset }),
    ...(flags.derive === true && flags.key !== undefined ? { deriveKey: parseNames(flags.key) } : {}),
  }
}

/** `insert,update`: kinds of change. */
export function parseOps(text: string): readonly ChangeOp[] {
  return parseNames(text).map((name) => {
    const op = CHANGE_OPS.find((known) => known === name.toLowerCase())
    if (op === undefined) throw new InvalidArgumentError(`It must be some of ${CHANGE_OPS.join(', ')}.`)
    return op
  })
}

const CURSOR_FLAGS = ['bootstrap', 'reset', 'peek', 'ack'] as const
const NOT_FOR_ALL = [
  'output',
  'out',
  'rows',
  'cursor',
  'op',
  'columns',
  'key',
  'derive',
  'fromVersion',
  'toVersion',
] as const
const NOT_FOR_ROW = ['output', 'out', 'rows', 'summary', 'cursor', 'op', 'columns', 'net'] as const
const NOT_FOR_ACK = ['output', 'out', 'rows', 'summary', 'bootstrap', 'reset', 'peek', 'since', 'fromVersion'] as const

function assertEnds({ since, until, fromVersion, toVersion, bootstrap }: ChangesFlags): void {
  if (since !== undefined && fromVersion !== undefined)
    throw flagsInvalid('--since and --from-version both say where the changes begin', 'Give one of them')
  if (until !== undefined && toVersion !== undefined)
    throw flagsInvalid('--until and --to-version both say where the changes end', 'Give one of them')
  if (bootstrap === true && (since ?? fromVersion) !== undefined)
    throw flagsInvalid('--bootstrap begins with all rows, --since with the changes after it', 'Give one of them')
}

function assertCursor(flags: ChangesFlags): void {
  const lonely = given(flags, CURSOR_FLAGS)
  if (flags.cursor === undefined && lonely !== undefined)
    throw flagsInvalid(`${lonely} belongs to a cursor`, 'Name one with --cursor NAME')
  if (flags.ack === true) assertAlone(flags, '--ack only acknowledges', [...NOT_FOR_ACK])
}

function assertAlone(flags: ChangesFlags, what: string, others: readonly (keyof ChangesFlags)[]): void {
  const other = given(flags, others)
  if (other !== undefined) throw flagsInvalid(`${what}, and ${other} has no meaning there`, `Leave ${other} out`)
}

/** The first of some flags that was given, as it is typed. */
function given(flags: ChangesFlags, names: readonly (keyof ChangesFlags)[]): string | undefined {
  const name = names.find((each) => flags[each] !== undefined)
  if (name === undefined) return undefined
  return name === 'output' ? '-o' : `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}
