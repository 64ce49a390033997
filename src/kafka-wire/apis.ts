import type { Api } from './schema/index.ts'
import { produce } from './messages/produce.ts'
import { fetch } from './messages/fetch.ts'
import { listOffsets } from './messages/list-offsets.ts'
import { metadata } from './messages/metadata.ts'
import { offsetCommit } from './messages/offset-commit.ts'
import { offsetFetch } from './messages/offset-fetch.ts'
import { findCoordinator } from './messages/find-coordinator.ts'
import { joinGroup } from './messages/join-group.ts'
import { heartbeat } from './messages/heartbeat.ts'
import { leaveGroup } from './messages/leave-group.ts'
import { syncGroup } from './messages/sync-group.ts'
import { apiVersions } from './messages/api-versions.ts'

const all: readonly Api<unknown, unknown>[] = [
  produce,
  fetch,
  listOffsets,
  metadata,
  offsetCommit,
  offsetFetch,
  findCoordinator,
  joinGroup,
  heartbeat,
  leaveGroup,
  syncGroup,
  apiVersions,
]

/** Every API this room has messages for, by its key. */
export const apis: ReadonlyMap<number, Api<unknown, unknown>> = new Map(all.map((api) => [api.key, api]))
