// The door `@tributary/pipeline/status`: a lake and how it is. It leaves out all that reads or writes rows, so that `status` starts at once.
export { readConfig } from './config/config.ts'
export { type LakeStatus, readStatus, type TableStatus } from './inspect/status.ts'
export { findNamedTable, type NamedTable } from './query/tables.ts'
export { type Lake, openLake } from './worker/lake.ts'
export { missingLanding } from './worker/landing-folder.ts'
