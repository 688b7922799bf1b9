import { chmod, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'

/** Does work as a user who has no rights but those that everybody has: the tests mostly run as root, who may read and write anything. */
export async function withoutRights<T>(work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return work()
  const { mode } = await stat(tmpdir())
  // A temporary folder of one's own may be closed to all others. It stays open: another process may be at the same.
  await chmod(tmpdir(), mode | PASSED_THROUGH)
  process.seteuid?.(NOBODY)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
  }
}

const NOBODY = 65_534
const PASSED_THROUGH = 0o011
