// DuckDB opens what `store.locate` names. Files need nothing; for a bucket it needs the extension httpfs and a secret, which live as long
// as the database and serve all its connections.

import { createHash } from 'node:crypto'
import { engineFailed, extensionMissing } from '../errors.ts'
import type { Store, StoreAccess } from '../store/store.ts'
import type { Engine } from './engine.ts'
import { extensionFolder } from './extensions.ts'
import { quoteName, quoteText } from './sql.ts'

interface Attached {
  readonly loaded: Promise<void>
  /** Fingerprints of the secrets that are in force, by scope. */
  readonly scopes: Map<string, string>
}

const attached = new WeakMap<object, Attached>()

/** Let the engine open a store's files. Costs nothing but a look for a store on a disk. Throws `EXTENSION_MISSING`, `S3_CREDENTIALS_MISSING`. */
export async function attachStore(engine: Engine, store: Store): Promise<void> {
  if (store.remote === undefined) return
  const access = await store.remote.access()
  const known = attached.get(engine.database) ?? { loaded: loadHttpfs(engine), scopes: new Map<string, string>() }
  attached.set(engine.database, known)
  await known.loaded.catch((error: unknown) => {
    attached.delete(engine.database)
    throw error
  })
  const sql = secretSql(access)
  const fingerprint = createHash('sha256').update(sql).digest('hex')
  // Credentials of a role change while we run.
  if (known.scopes.get(access.scope) === fingerprint) return
  await engine.run(sql).catch(() => {
    // DuckDB quotes the statement that it refuses, and with it the secret: so neither its words nor its error go on.
    throw engineFailed('invalid', `the access to ${access.scope} was not taken`, undefined)
  })
  known.scopes.set(access.scope, fingerprint)
}

async function loadHttpfs(engine: Engine): Promise<void> {
  const folder = extensionFolder()
  try {
    if (folder !== undefined) await engine.run(`SET extension_directory = ${quoteText(folder)}`)
    await engine.run('LOAD httpfs')
  } catch (cause) {
    throw extensionMissing('httpfs', cause)
  }
  // Objects never change under their names, so what is known of one need not be asked again.
  await engine.run('SET enable_http_metadata_cache = true')
  await engine.run('SET enable_external_file_cache = true')
  // The size of an upload's parts, and so of the buffer of each file that is being written, follows from this: 10 MB.
  await engine.run("SET s3_uploader_max_filesize = '100GB'")
}

function secretSql(access: StoreAccess): string {
  const options: Readonly<Record<string, string | undefined>> = {
    KEY_ID: access.keyId,
    SECRET: access.secret,
    SESSION_TOKEN: access.sessionToken,
    REGION: access.region,
    ENDPOINT: access.host,
    URL_STYLE: access.isPathStyle ? 'path' : 'vhost',
    SCOPE: access.scope,
  }
  const list = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} ${quoteText(value)}`],
  )
  return `CREATE OR REPLACE SECRET ${quoteName(`tributary ${access.scope}`)} (TYPE s3, ${list.join(', ')}, USE_SSL ${access.usesTls})`
}
