import type { DeadLetterView, DoctorReport, EndpointsView, Project, StatusView, StreamStatus } from '../core/index.ts'
import type { SchedulerHandle } from '../scheduler/index.ts'
import type { DataSystems } from './data/systems.ts'

/** What the API needs of the running Millrace; `runtime` gives it. */
export interface ApiPorts {
  status(): Promise<StatusView>
  doctor(): Promise<DoctorReport>
  endpoints(): Promise<EndpointsView>
  project(): Project
  deadLetters(stream: string, limit: number): Promise<DeadLetterView[]>
  streams(): string[]
  streamStatuses(): readonly StreamStatus[]
  scheduler: Pick<SchedulerHandle, 'dags' | 'runs' | 'run' | 'trigger' | 'cancelRun' | 'setPaused' | 'attemptLog'>
  readonly data: DataSystems
  /** Begins the orderly end of the whole process. */
  stop(): void
}
