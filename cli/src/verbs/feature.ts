import type { Command } from 'commander'
import type { Invocation } from '../invocation.ts'
import { addFeatureLooks } from './feature-look.ts'
import { addFeatureRefresh } from './feature-refresh.ts'
import { addFeatureSkew } from './feature-skew.ts'

/** `feature plan|refresh|check|status|history|get|skew`: tables that follow the live ones, one row a key. */
export function addFeature(command: Command, invocation: Invocation): void {
  command.usage(
    'plan <name> | refresh [names…] | check <name> | status | get <name> --key <key> | history <name> --key <key> | skew <name> --log <file>',
  )
  addFeatureRefresh(command, invocation)
  addFeatureLooks(command, invocation)
  addFeatureSkew(command, invocation)
}
