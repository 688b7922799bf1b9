// Test files share processes, and the servers of a file end with it: so must what it told the process about them.

/** Makes the environment of this process what it was. Assigning to `process.env` would not reach what Node and DuckDB read of it. */
export function restoreEnvironment(before: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) if (before[name] === undefined) delete process.env[name]
  Object.assign(process.env, before)
}
