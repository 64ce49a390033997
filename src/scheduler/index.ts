export { startScheduler } from './scheduler.ts'
export type {
  AttemptEnd,
  AttemptEvents,
  AttemptStart,
  ChangeEvent,
  SchedulerHandle,
  SchedulerOptions,
  SchedulerStore,
  StartAttempt,
  StartedAttempt,
  TriggerOptions,
} from './types.ts'
