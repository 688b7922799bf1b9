// The door `@tributary/delta/s3`: a store in S3 with parts of your own. `openTable('s3://…')` needs none of it.

export type { S3Connection, S3Options, S3Request } from './store/s3/connect.ts'
export { s3Store, s3StoreOver } from './store/s3.ts'
