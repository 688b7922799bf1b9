import type { SuiteName } from './options.ts'
import type { Suite } from './suite.ts'
import { catchUp } from './suites/catch-up.ts'
import { changes } from './suites/changes.ts'
import { datasetBuild } from './suites/dataset-build.ts'
import { day, dayOfParquet2 } from './suites/day.ts'
import { featureIncrement } from './suites/feature-increment.ts'
import { firstLoad } from './suites/first-load.ts'
import { growth } from './suites/growth.ts'
import { indexBuild } from './suites/index-build.ts'
import { lineitem } from './suites/lineitem.ts'
import { scan } from './suites/scan.ts'
import { smallUpsert } from './suites/small-upsert.ts'
import { status } from './suites/status.ts'
import { upsert } from './suites/upsert.ts'

/** All suites by name, in the order in which they run. */
export const SUITES: Readonly<Record<SuiteName, Suite>> = {
  'orders/first-load': firstLoad,
  'orders/upsert': upsert,
  'orders/small-upsert': smallUpsert,
  'orders/index-build': indexBuild,
  'orders/scan': scan,
  'orders/status': status,
  'orders/changes': changes,
  'orders/day': day,
  'orders/day-parquet-2': dayOfParquet2,
  'flights/catch-up': catchUp,
  'flights/feature-increment': featureIncrement,
  'flights/dataset-build': datasetBuild,
  'lineitem/upsert': lineitem,
  'orders/upsert-100m': growth,
}
