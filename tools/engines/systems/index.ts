import type { System } from '../system.ts'
import { cassandra5 } from './cassandra.ts'
import { kafka3, kafka4 } from './kafka.ts'
import { postgres15 } from './postgres.ts'

/** Every system there is, by name. */
export const systems: ReadonlyMap<string, System> = new Map([kafka4, kafka3, cassandra5, postgres15].map((system) => [system.name, system]))
export { cassandra5, kafka3, kafka4, postgres15 }
