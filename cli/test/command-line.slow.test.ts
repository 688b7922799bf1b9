import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freshFolder, tributary } from './run-cli.ts'

test('an unknown verb names the nearest one, on stderr, with exit code 2', async () => {
  const { code, stdout, stderr } = await tributary(['chnages', 'flights'])
  expect({ code, stdout, stderr }).toEqual({
    code: 2,
    stdout: '',
    stderr: 'error: unknown command "chnages". Did you mean "changes"?\nfix: tributary --help\nsee: tributary help\n',
  })
})

test('a verb that is like no other gets no suggestion', async () => {
  expect((await tributary(['frobnicate'])).stderr).toBe(
    'error: unknown command "frobnicate".\nfix: tributary --help\nsee: tributary help\n',
  )
})

test('without a verb the help goes to stderr and the exit code is 2', async () => {
  const { code, stdout, stderr } = await tributary([])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^Usage: tributary <verb>/)
})

test.each(['feature', 'dataset', 'quarantine', 'demo'])(
  '%s without a verb of its own prints its help',
  async (verb) => {
    const [alone, asked] = await Promise.all([tributary([verb]), tributary([verb, '--help'])])
    expect(alone).toEqual({ code: 2, stdout: '', stderr: asked.stdout })
  },
)

test('a usage error names the help of the command that was meant, below a verb too', async () => {
  const lines = [
    ['feature', 'get', 'x'],
    ['-C', '.', 'dataset', 'shwo'],
    ['cat', '--nope'],
  ]
  const fixes = await Promise.all(lines.map(async (line) => /^fix: .*$/m.exec((await tributary(line)).stderr)?.[0]))
  expect(fixes).toEqual([
    'fix: tributary feature get --help',
    'fix: tributary dataset --help',
    'fix: tributary cat --help',
  ])
})

test('--help goes to stdout and names every verb of the README', async () => {
  const { code, stdout, stderr } = await tributary(['--help'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const verbs = [
    'init',
    'ingest',
    'status',
    'show',
    'cat',
    'sql',
    'changes',
    'history',
    'explain',
    'row',
    'check',
    'resolve',
    'quarantine',
    'optimize',
    'vacuum',
    'restore',
    'pin',
    'unpin',
    'adopt',
    'release',
    'demo',
    'completion',
    'help',
  ]
  expect(verbs.filter((verb) => !new RegExp(`^  ${verb} `, 'm').test(stdout))).toEqual([])
  expect(stdout).not.toContain('__complete')
})

test.each(['feature', 'dataset', 'quarantine', 'demo'])(
  'the list of verbs names all that is below %s',
  async (verb) => {
    const [all, own] = await Promise.all([tributary(['--help']), tributary([verb, '--help'])])
    const below = [...own.stdout.matchAll(/^ {2}([a-z0-9]+) /gm)].map((match) => match[1] ?? '')
    const summary = new RegExp(`^  ${verb} .*(\\n {10,}.*)*`, 'm').exec(all.stdout)?.[0] ?? ''
    expect(below.length).toBeGreaterThan(2)
    expect(below.filter((name) => name !== 'help' && !new RegExp(`\\b${name}\\b`).test(summary))).toEqual([])
  },
)

test.each(['config', 'times', 'versions', 'exit-codes', 'formats'])('help %s prints its page', async (topic) => {
  const { code, stdout } = await tributary(['help', topic])
  expect(code).toBe(0)
  expect(stdout).toBe(await readFile(new URL(`../help/${topic}.md`, import.meta.url), 'utf8'))
})

test('the settings are found by their other names too, and a fault in them names the topic', async () => {
  const [config, settings] = await Promise.all([tributary(['help', 'config']), tributary(['help', 'settings'])])
  expect(settings).toEqual(config)
  const { stderr } = await tributary(['status'], { cwd: await freshFolder() })
  expect(stderr).toContain('\nsee: tributary help config\n')
})

test.each([
  ['cat', '--timestamp <time>'],
  ['sql', 'tributary sql "DESCRIBE shop.orders"'],
])('help on %s equals the verb with --help, examples too', async (verb, part) => {
  const [asked, flagged] = await Promise.all([tributary(['help', verb]), tributary([verb, '--help'])])
  expect(asked.stdout).toBe(flagged.stdout)
  expect(asked.stdout).toContain(part)
})

test('help on nothing known suggests a topic', async () => {
  const { code, stderr } = await tributary(['help', 'version'])
  expect(code).toBe(2)
  expect(stderr).toContain('no help on "version". Did you mean "versions"?')
})

test('an unknown flag with --json is a JSON error on stderr, and stdout is empty', async () => {
  const { code, stdout, stderr } = await tributary(['cat', '--nope', '--json'])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(JSON.parse(stderr)).toEqual({
    error: {
      code: 'USAGE',
      message: "unknown option '--nope'",
      hint: 'tributary cat --help',
      retryable: false,
      docs: 'tributary help',
    },
  })
})

test('a folder that is not there cannot be entered', async () => {
  const { code, stderr } = await tributary(['-C', '/no/such/folder', 'status'])
  expect(code).toBe(2)
  expect(stderr).toContain('error: cannot change to the folder /no/such/folder (ENOENT)')
})

test('without a project file the error says how to get one', async () => {
  const folder = await freshFolder()
  const { code, stdout, stderr } = await tributary(['status'], { cwd: folder })
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain('fix: Write one with `tributary init`')
})

test('global flags are taken before and after the verb, and from the environment', async () => {
  const folder = await freshFolder()
  const before = await tributary(['--json', '-C', folder, 'status'])
  const after = await tributary(['status', '-C', folder, '--json'])
  const mirrored = await tributary(['status', '-C', folder], { env: { TRIBUTARY_JSON: '1' } })
  expect(JSON.parse(before.stderr)).toMatchObject({ error: { code: 'CONFIG_INVALID' } })
  expect([after.stderr, mirrored.stderr]).toEqual([before.stderr, before.stderr])
})

test('colours appear only when they are forced, and NO_COLOR beats that', async () => {
  const plain = await tributary(['chnages'])
  const forced = await tributary(['chnages'], { env: { FORCE_COLOR: '1' } })
  const refused = await tributary(['chnages'], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })
  const flagged = await tributary(['chnages', '--no-color'], { env: { FORCE_COLOR: '1' } })
  expect(forced.stderr).toContain('\u001b[31merror:')
  expect([refused.stderr, flagged.stderr]).toEqual([plain.stderr, plain.stderr])
  expect(plain.stderr).not.toContain('\u001b')
})

test('the stack of an error is shown with -vv and not without', async () => {
  const folder = await freshFolder()
  const plain = await tributary(['cat', 'nope', '-C', folder])
  const verbose = await tributary(['cat', 'nope', '-C', folder, '-vv'])
  expect(plain.stderr).not.toContain('    at ')
  expect(verbose.stderr).toContain('    at ')
})

test.each(['bash', 'zsh', 'fish'])('completion for %s asks the command itself', async (shell) => {
  const { code, stdout } = await tributary(['completion', shell])
  expect(code).toBe(0)
  expect(stdout).toContain('tributary __complete -- ')
})

test('completion knows verbs, flags, nested verbs and the tables of the project', async () => {
  const folder = await freshFolder()
  await writeFile(join(folder, 'tributary.yaml'), 'landing: in\nlake: out\ntables:\n  shop.orders: {key: [id]}\n')
  const complete = async (...words: readonly string[]): Promise<readonly string[]> =>
    (await tributary(['__complete', '--', ...words], { cwd: folder })).stdout.trim().split('\n')
  const lists = await Promise.all([
    complete('hi'),
    complete('quarantine', ''),
    complete('cat', 'sh'),
    complete('cat', '--ti'),
  ])
  expect(lists).toEqual([['history'], ['ls', 'show', 'replay'], ['shop.orders'], ['--timestamp']])
})
