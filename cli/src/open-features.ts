import { storeAt } from '@tributary/delta'
import { type FeatureDefinition, readFeatures } from '@tributary/ml'
import type { Lake } from '@tributary/pipeline'
import type { Invocation } from './invocation.ts'
import { openProject, projectFolder } from './open-table.ts'

/** A project's lake, and the features that files beside its configuration define. Throws `CONFIG_INVALID`, `FEATURE_INVALID`. */
export async function openFeatures(
  invocation: Invocation,
): Promise<{ readonly lake: Lake; readonly definitions: readonly FeatureDefinition[] }> {
  const lake = await openProject(invocation)
  return { lake, definitions: await readFeatures(storeAt(projectFolder(invocation).folder)) }
}
