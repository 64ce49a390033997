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
import { describeGroups } from './messages/describe-groups.ts'
import { listGroups } from './messages/list-groups.ts'
import { saslHandshake } from './messages/sasl-handshake.ts'
import { apiVersions } from './messages/api-versions.ts'
import { createTopics } from './messages/create-topics.ts'
import { deleteTopics } from './messages/delete-topics.ts'
import { deleteRecords } from './messages/delete-records.ts'
import { initProducerId } from './messages/init-producer-id.ts'
import { offsetForLeaderEpoch } from './messages/offset-for-leader-epoch.ts'
import { addPartitionsToTxn } from './messages/add-partitions-to-txn.ts'
import { addOffsetsToTxn } from './messages/add-offsets-to-txn.ts'
import { endTxn } from './messages/end-txn.ts'
import { txnOffsetCommit } from './messages/txn-offset-commit.ts'
import { describeConfigs } from './messages/describe-configs.ts'
import { alterConfigs } from './messages/alter-configs.ts'
import { describeUserScramCredentials } from './messages/describe-user-scram-credentials.ts'
import { alterUserScramCredentials } from './messages/alter-user-scram-credentials.ts'
import { saslAuthenticate } from './messages/sasl-authenticate.ts'
import { createPartitions } from './messages/create-partitions.ts'
import { deleteGroups } from './messages/delete-groups.ts'
import { incrementalAlterConfigs } from './messages/incremental-alter-configs.ts'
import { offsetDelete } from './messages/offset-delete.ts'
import { describeCluster } from './messages/describe-cluster.ts'
import { describeLogDirs } from './messages/describe-log-dirs.ts'
import { listTransactions } from './messages/list-transactions.ts'
import { describeTransactions } from './messages/describe-transactions.ts'
import { describeProducers } from './messages/describe-producers.ts'
import { writeTxnMarkers } from './messages/write-txn-markers.ts'
import { consumerGroupHeartbeat } from './messages/consumer-group-heartbeat.ts'
import { consumerGroupDescribe } from './messages/consumer-group-describe.ts'
import { electLeaders } from './messages/elect-leaders.ts'
import { alterPartitionReassignments } from './messages/alter-partition-reassignments.ts'
import { listPartitionReassignments } from './messages/list-partition-reassignments.ts'
import { describeQuorum } from './messages/describe-quorum.ts'
import { updateFeatures } from './messages/update-features.ts'
import { listConfigResources } from './messages/list-config-resources.ts'
import { describeTopicPartitions } from './messages/describe-topic-partitions.ts'
import { alterReplicaLogDirs } from './messages/alter-replica-log-dirs.ts'
import { describeAcls } from './messages/describe-acls.ts'
import { createAcls } from './messages/create-acls.ts'
import { deleteAcls } from './messages/delete-acls.ts'
import { describeClientQuotas } from './messages/describe-client-quotas.ts'
import { alterClientQuotas } from './messages/alter-client-quotas.ts'

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
  describeGroups,
  listGroups,
  saslHandshake,
  apiVersions,
  createTopics,
  deleteTopics,
  deleteRecords,
  initProducerId,
  offsetForLeaderEpoch,
  addPartitionsToTxn,
  addOffsetsToTxn,
  endTxn,
  txnOffsetCommit,
  describeConfigs,
  alterConfigs,
  saslAuthenticate,
  describeUserScramCredentials,
  alterUserScramCredentials,
  createPartitions,
  deleteGroups,
  incrementalAlterConfigs,
  offsetDelete,
  describeCluster,
  writeTxnMarkers,
  describeProducers,
  describeTransactions,
  listTransactions,
  describeLogDirs,
  consumerGroupHeartbeat,
  consumerGroupDescribe,
  electLeaders,
  alterPartitionReassignments,
  listPartitionReassignments,
  describeQuorum,
  updateFeatures,
  listConfigResources,
  describeTopicPartitions,
  alterReplicaLogDirs,
  describeAcls,
  createAcls,
  deleteAcls,
  describeClientQuotas,
  alterClientQuotas,
]

/** Every API this room has messages for, by its key. */
export const apis: ReadonlyMap<number, Api<unknown, unknown>> = new Map(all.map((api) => [api.key, api]))
