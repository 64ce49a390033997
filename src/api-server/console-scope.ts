/** What a console can browse. */
export const consoleSystems = ['kafka', 'cassandra', 'registry'] as const

/** What a console is for: all of a running project, or only the clusters that somebody named. */
export interface ConsoleScope {
  /** Whether there is a project, with DAGs, streams and dead letters. */
  readonly project: boolean
  /** All that would change a cluster, or who may use the console, is refused. */
  readonly readOnly: boolean
  readonly systems: readonly (typeof consoleSystems)[number][]
}
