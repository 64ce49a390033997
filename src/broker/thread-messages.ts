import type { ErrorJson, LogFields, LogLevel } from '../platform/index.ts'
import type { BrokerOptions, Recovered } from './options.ts'

/** What the broker's thread is started with. */
export type ThreadOptions = Omit<BrokerOptions, 'disk' | 'clock' | 'log' | 'intercept'>

export type ToThread = { is: 'close' }

export type FromThread =
  | { is: 'started'; address: string; listeners: readonly { host: string; port: number }[]; recovered: Recovered }
  | { is: 'refused'; error: ErrorJson }
  | { is: 'closed' }
  | { is: 'log'; level: LogLevel; message: string; fields: LogFields }
