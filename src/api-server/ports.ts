import type {
  AlertsView,
  AlertTestView,
  DeadLetterDetail,
  DeadLetterPage,
  DeadLetterState,
  DoctorReport,
  EndpointsView,
  Json,
  Project,
  SettledLetter,
  StatusView,
} from '../core/index.ts'
import type { SchedulerHandle } from '../scheduler/index.ts'
import type { StreamMotion } from './health.ts'
import type { DataSystems } from './data/systems.ts'
import type { OffsetPorts } from './offset-ports.ts'

export interface DeadLetterQuery {
  /** All when left out. */
  state?: DeadLetterState
  /** Only those whose record was replayed before. */
  failedAgain?: true
  /** Of one record: `topic:partition:offset`. */
  origin?: string
  reason?: string
  sinceMs?: number
  /** Older than this letter. */
  before?: string
  limit: number
}

/** The dead letters of a stream. */
export interface DeadLetterPorts {
  list(stream: string, query: DeadLetterQuery): Promise<DeadLetterPage>
  /** Null: there is none. */
  one(stream: string, id: string): Promise<DeadLetterDetail | null>
  /** `values`: by id, in place of those of the letters; JSON is written as the topic's values are, text and base64 are bytes. BAD_REQUEST names what does not fit. */
  replay(
    stream: string,
    order: { ids: readonly string[]; values: ReadonlyMap<string, Json>; as: 'json' | 'text' | 'base64' },
    asked: Asked,
  ): Promise<SettledLetter[]>
  discard(stream: string, ids: readonly string[], asked: Asked): Promise<SettledLetter[]>
}

/** The alerts of the project. */
export interface AlertPorts {
  view(): AlertsView
  /** Sends a test message, at once. BAD_REQUEST without a webhook. */
  test(signal: AbortSignal): Promise<AlertTestView>
}

interface Asked {
  by: string
  signal: AbortSignal
}

/** What the API needs of the running Millrace; `runtime` gives it. */
export interface ApiPorts {
  status(): Promise<StatusView>
  /** `hidePersonal`: without what was thrown or printed, which may tell of values. */
  doctor(options: { hidePersonal: boolean }): Promise<DoctorReport>
  endpoints(): Promise<EndpointsView>
  project(): Project
  /** The project with what was ever personal in it: masking goes by it. */
  masking(): Project
  readonly deadLetters: DeadLetterPorts
  readonly offsets: OffsetPorts
  streams(): string[]
  /** How streams get on; asked often enough that a minute is seen. */
  streamMotions(): readonly StreamMotion[]
  readonly alerts: AlertPorts
  scheduler: Pick<SchedulerHandle, 'dags' | 'runs' | 'run' | 'trigger' | 'cancelRun' | 'setPaused' | 'attemptLog'>
  readonly data: DataSystems
  /** Begins the orderly end of the whole process. */
  stop(): void
}
