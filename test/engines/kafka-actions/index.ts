import { adminActions } from './admin.ts'
import { configActions } from './configs.ts'
import { consumerGroupActions } from './consumer-groups.ts'
import { fetchSessionActions } from './fetch-sessions.ts'
import { groupActions } from './groups.ts'
import { migrationActions } from './migrations.ts'
import { moreGroupActions } from './more-groups.ts'
import { moreRecordActions } from './more-records.ts'
import { quotaActions } from './quotas.ts'
import { recordActions } from './records.ts'
import { lastActions, topicActions } from './topics.ts'
import { transactionActions } from './transactions.ts'
import type { KafkaAction } from './requests.ts'

export type { KafkaAction } from './requests.ts'

/** In the order in which they are made. */
export const kafkaActions: readonly KafkaAction[] = [
  ...topicActions,
  ...recordActions,
  ...moreRecordActions,
  ...groupActions,
  ...moreGroupActions,
  ...configActions,
  ...transactionActions,
  ...consumerGroupActions,
  ...migrationActions,
  ...fetchSessionActions,
  ...adminActions,
  ...quotaActions,
  ...lastActions,
]
