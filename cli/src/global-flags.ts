import type { Command } from 'commander'

/** Flags that every verb takes, before or after its name; `TRIBUTARY_JSON=1` and the like mirror them. */
export interface GlobalFlags {
  readonly config: string | undefined
  readonly json: boolean
  readonly plain: boolean
  readonly quiet: boolean
  /** 0, 1 (`-v`) or 2 (`-vv`). */
  readonly verbose: number
  readonly color: boolean
  readonly progress: boolean
  /** Answer yes to every question. */
  readonly yes: boolean
  /** Whether a question may be asked. */
  readonly input: boolean
}

/** Adds the flags to the root command, which finds them anywhere in the line. */
export function addGlobalFlags(program: Command): void {
  program
    .option('-C <dir>', 'change to this folder first')
    .option('--config <file>', 'the project file (tributary.yaml in the folder)')
    .option('--json', 'JSON on stdout, errors as JSON on stderr')
    .option('--plain', 'tab-separated, nothing cut off (the default when stdout is no terminal)')
    .option('-q, --quiet', 'only errors and warnings on stderr')
    .option(
      '-v, --verbose',
      'more on stderr; -vv adds the stack of an error',
      (_: string, level: number) => level + 1,
      0,
    )
    .option('--no-color', 'no colours')
    .option('--no-progress', 'no progress line')
    .option('--yes', 'answer yes to every question')
    .option('--no-input', 'never ask')
}

/** What was typed, then the environment, then the defaults. */
export function globalFlags(program: Command, environment: NodeJS.ProcessEnv): GlobalFlags {
  const typed = (name: string): unknown =>
    program.getOptionValueSource(name) === 'cli' ? program.getOptionValue(name) : undefined
  const isOn = (flag: string, variable: string): boolean => typed(flag) === true || isSet(environment[variable])
  // `--no-color` and its like are stored as `color: false`.
  const isOff = (flag: string, variable: string): boolean => typed(flag) === false || isSet(environment[variable])
  return {
    config: textOf(typed('config')) ?? textOf(environment['TRIBUTARY_CONFIG']),
    json: isOn('json', 'TRIBUTARY_JSON'),
    plain: isOn('plain', 'TRIBUTARY_PLAIN'),
    quiet: isOn('quiet', 'TRIBUTARY_QUIET'),
    verbose: Number(typed('verbose') ?? environment['TRIBUTARY_VERBOSE'] ?? 0) || 0,
    color: !isOff('color', 'TRIBUTARY_NO_COLOR'),
    progress: !isOff('progress', 'TRIBUTARY_NO_PROGRESS'),
    yes: isOn('yes', 'TRIBUTARY_YES'),
    input: !isOff('input', 'TRIBUTARY_NO_INPUT'),
  }
}

/** Whether errors are wanted as JSON, also when the line cannot be parsed. */
export function wantsJson(args: readonly string[], environment: NodeJS.ProcessEnv): boolean {
  const end = args.indexOf('--')
  const flags = end < 0 ? args : args.slice(0, end)
  const isLogJson =
    flags.includes('--log=json') || (flags.includes('--log') && flags[flags.indexOf('--log') + 1] === 'json')
  return flags.includes('--json') || isLogJson || isSet(environment['TRIBUTARY_JSON'])
}

/** A variable that says yes: anything but nothing, 0 and false. */
export function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0' && value.toLowerCase() !== 'false'
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
