import type { Command } from 'commander'
import type { Invocation } from '../invocation.ts'
import { addDatasetBuild } from './dataset-build.ts'
import { addDatasetCompare } from './dataset-compare.ts'
import { addDatasetForget } from './dataset-forget.ts'
import { addDatasetRead } from './dataset-read.ts'

/** `dataset`: training sets from `datasets/NAME.yml`, as known at the time of each row, and proof that they can be made again. */
export function addDataset(command: Command, invocation: Invocation): void {
  command.usage('plan | build | list | show | stats | drift | diff | verify | explain | export | forget | rm')
  addDatasetBuild(command, invocation)
  addDatasetRead(command, invocation)
  addDatasetCompare(command, invocation)
  addDatasetForget(command, invocation)
}
