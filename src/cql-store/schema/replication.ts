import type { OptionValue } from '../lang/index.ts'
import { configError, invalid, unknownProperty } from '../refusal.ts'
import { entriesOf } from './map-options.ts'
import { boolean, readScalar } from './scalar-options.ts'

/** The one data centre of this store, as `system.local` says. */
export const dataCenter = 'datacenter1'
const locator = 'org.apache.cassandra.locator.'
/** Cassandra's `default_keyspace_rf`. */
const defaultFactor = '1'

export interface KeyspaceOptions {
  replication: Record<string, string> | null
  durableWrites: boolean | null
}

/**
 * WITH options of a keyspace, its replication spelled out as `system_schema.keyspaces` shows it. `old` is the keyspace's replication so far.
 * The store has one copy of everything whatever they say; on a cluster made from its schema they count.
 */
export function keyspaceOptions(
  name: string,
  options: Record<string, OptionValue>,
  old: Readonly<Record<string, string>>,
): KeyspaceOptions {
  const { replication = null, durable_writes: durable = null, ...rest } = options
  const unknown = Object.keys(rest)[0]
  if (unknown !== undefined) throw unknownProperty(unknown)
  const durableWrites = durable === null ? null : readScalar('durable_writes', durable, boolean) === 'true'
  if (replication === null) return { replication: null, durableWrites }
  return { replication: replicationOf(name, entriesOf('replication', replication), old), durableWrites }
}

function replicationOf(name: string, given: Record<string, string>, old: Readonly<Record<string, string>>): Record<string, string> {
  const { class: strategy, ...settings } = given
  if (strategy === undefined) throw configError('Missing replication strategy class')
  const short = strategy.startsWith(locator) ? strategy.slice(locator.length) : strategy
  for (const [setting, value] of Object.entries(settings)) {
    if (!/^\d+(\/\d+)?$/.test(value)) throw configError(`Replication factor for ${setting} must be a number, not '${value}'`)
  }
  if (short === 'LocalStrategy') throw invalid('Unable to use given strategy class: LocalStrategy is reserved for internal use.')
  if (short === 'SimpleStrategy') {
    refuseOthers(name, short, settings, 'replication_factor')
    return { class: locator + short, replication_factor: settings['replication_factor'] ?? defaultFactor }
  }
  if (short !== 'NetworkTopologyStrategy') throw configError(`Unable to find replication strategy class '${locator}${short}'`)
  const { replication_factor: everywhere, ...centers } = settings
  refuseOthers(name, short, centers, dataCenter)
  const before = old['class'] === locator + short ? old[dataCenter] : undefined
  const factor = centers[dataCenter] ?? before ?? everywhere ?? defaultFactor
  if (Number(factor.split('/')[0]) === 0) throw configError('Configuration for at least one datacenter must be present')
  return { class: locator + short, [dataCenter]: factor }
}

function refuseOthers(keyspace: string, strategy: string, settings: Record<string, string>, known: string): void {
  const other = Object.keys(settings).find((setting) => setting !== known)
  if (other !== undefined) throw configError(`Unrecognized strategy option {${other}} passed to ${strategy} for keyspace ${keyspace}`)
}
