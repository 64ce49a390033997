import type { z } from 'zod'
import type { Role } from '../../../src/api-server/access/roles.ts'
import type { ConsoleScope } from '../../../src/api-server/console-scope.ts'
import type * as data from '../../../src/api-server/schemas/data.ts'
import type * as views from '../../../src/api-server/schemas/views.ts'

/** What the API answers, by the schemas that its OpenAPI document is made of. Types only: none of it is in the bundle. */
export type Status = z.infer<typeof views.statusView>
export type Flow = Status['flows'][number]
export type StreamStatus = Status['streams'][number]
export type Part = Status['parts'][number]
export type Doctor = z.infer<typeof views.doctorReport>
export type Dag = z.infer<typeof views.dagView>
export type Run = z.infer<typeof views.runView>
export type RunDetail = z.infer<typeof views.runDetail>
export type TaskInstance = RunDetail['tasks'][number]
export type DeadLetter = z.infer<typeof views.deadLetterView>
export type DeadLetterDetail = z.infer<typeof views.deadLetterDetail>
export type DeadLetterPage = z.infer<typeof views.deadLetterPage>
export type SettledLetter = z.infer<typeof views.settledLetter>
export type RecordView = z.infer<typeof data.record>
export type Payload = NonNullable<RecordView['value']>
export type TopicSummary = z.infer<typeof data.topicSummary>
export type TopicView = z.infer<typeof data.topicView>
export type TableSummary = z.infer<typeof data.tableSummary>
export type Rows = z.infer<typeof data.rows>
export type FollowedFlow = z.infer<typeof data.followedFlow>
export type SearchState = z.infer<typeof data.searchState>
export type { Project } from '../../../src/core/definitions.ts'

export type { Role } from '../../../src/api-server/access/roles.ts'
export type { ConsoleScope } from '../../../src/api-server/console-scope.ts'
export type { AuditEntry } from '../../../src/api-server/http/audit.ts'

export interface Me {
  name: string
  role: Role
  csrf: string | null
  /** Whether there is a project, whether all that would change a cluster is refused, and what there is to browse. */
  console: ConsoleScope
}
