import type { ErrorJson, LogFields, LogLevel } from '../platform/index.ts'
import type { CqlStoreOptions } from './start.ts'

export type ThreadOptions = Omit<CqlStoreOptions, 'disk' | 'clock' | 'log' | 'intercept'>

export type FromThread =
  | { is: 'ready'; host: string; port: number; address: string; recovered: { tables: number; mutations: number; cutBytes: number } }
  | { is: 'log'; level: LogLevel; message: string; fields: LogFields }
  | { is: 'refused'; error: ErrorJson }
  | { is: 'failed'; error: ErrorJson }
  | { is: 'closed' }

export type ToThread = { is: 'close' }
