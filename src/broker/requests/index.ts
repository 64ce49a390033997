import { writeTxnMarkersHandler } from './write-txn-markers.ts'
import { txnOffsetCommitHandler } from './txn-offset-commit.ts'
import { listTransactionsHandler } from './list-transactions.ts'
import { endTxnHandler } from './end-txn.ts'
import { describeTransactionsHandler } from './describe-transactions.ts'
import { addPartitionsToTxnHandler } from './add-partitions-to-txn.ts'
import { addOffsetsToTxnHandler } from './add-offsets-to-txn.ts'
import { alterConfigsHandler } from './alter-configs.ts'
import { deleteRecordsHandler } from './delete-records.ts'
import { describeLogDirsHandler } from './describe-log-dirs.ts'
import { describeProducersHandler } from './describe-producers.ts'
import { offsetDeleteHandler } from './offset-delete.ts'
import { apiVersionsHandler } from './api-versions.ts'
import { consumerGroupDescribeHandler } from './consumer-group-describe.ts'
import { consumerGroupHeartbeatHandler } from './consumer-group-heartbeat.ts'
import { createPartitionsHandler } from './create-partitions.ts'
import { createTopicsHandler } from './create-topics.ts'
import { deleteGroupsHandler } from './delete-groups.ts'
import { deleteTopicsHandler } from './delete-topics.ts'
import { describeClusterHandler } from './describe-cluster.ts'
import { describeConfigsHandler } from './describe-configs.ts'
import { describeGroupsHandler } from './describe-groups.ts'
import { fetchHandler } from './fetch.ts'
import { findCoordinatorHandler } from './find-coordinator.ts'
import type { Handler } from './handler.ts'
import { heartbeatHandler } from './heartbeat.ts'
import { incrementalAlterConfigsHandler } from './incremental-alter-configs.ts'
import { initProducerIdHandler } from './init-producer-id.ts'
import { joinGroupHandler } from './join-group.ts'
import { leaveGroupHandler } from './leave-group.ts'
import { listGroupsHandler } from './list-groups.ts'
import { listOffsetsHandler } from './list-offsets.ts'
import { metadataHandler } from './metadata.ts'
import { offsetCommitHandler } from './offset-commit.ts'
import { offsetFetchHandler } from './offset-fetch.ts'
import { offsetForLeaderEpochHandler } from './offset-for-leader-epoch.ts'
import { produceHandler } from './produce.ts'
import { alterUserScramCredentialsHandler } from './alter-user-scram-credentials.ts'
import { describeUserScramCredentialsHandler } from './describe-user-scram-credentials.ts'
import { saslAuthenticateHandler } from './sasl-authenticate.ts'
import { saslHandshakeHandler } from './sasl-handshake.ts'
import { syncGroupHandler } from './sync-group.ts'
import { alterReplicaLogDirsHandler } from './alter-replica-log-dirs.ts'
import { electLeadersHandler } from './elect-leaders.ts'
import { alterPartitionReassignmentsHandler } from './alter-partition-reassignments.ts'
import { listPartitionReassignmentsHandler } from './list-partition-reassignments.ts'
import { updateFeaturesHandler } from './update-features.ts'
import { describeQuorumHandler } from './describe-quorum.ts'
import { listConfigResourcesHandler } from './list-config-resources.ts'
import { describeTopicPartitionsHandler } from './describe-topic-partitions.ts'
import { alterClientQuotasHandler, describeClientQuotasHandler } from './client-quotas.ts'
import { createAclsHandler, deleteAclsHandler, describeAclsHandler } from './acls.ts'

const all: readonly Handler[] = [
  produceHandler,
  fetchHandler,
  listOffsetsHandler,
  metadataHandler,
  offsetCommitHandler,
  offsetFetchHandler,
  findCoordinatorHandler,
  joinGroupHandler,
  heartbeatHandler,
  leaveGroupHandler,
  syncGroupHandler,
  describeGroupsHandler,
  listGroupsHandler,
  saslHandshakeHandler,
  createTopicsHandler,
  deleteTopicsHandler,
  initProducerIdHandler,
  offsetForLeaderEpochHandler,
  describeConfigsHandler,
  saslAuthenticateHandler,
  describeUserScramCredentialsHandler,
  alterUserScramCredentialsHandler,
  createPartitionsHandler,
  deleteGroupsHandler,
  incrementalAlterConfigsHandler,
  describeClusterHandler,
  writeTxnMarkersHandler,
  txnOffsetCommitHandler,
  listTransactionsHandler,
  endTxnHandler,
  describeTransactionsHandler,
  addPartitionsToTxnHandler,
  addOffsetsToTxnHandler,
  offsetDeleteHandler,
  describeProducersHandler,
  describeLogDirsHandler,
  deleteRecordsHandler,
  alterConfigsHandler,
  consumerGroupHeartbeatHandler,
  consumerGroupDescribeHandler,
  alterReplicaLogDirsHandler,
  electLeadersHandler,
  alterPartitionReassignmentsHandler,
  listPartitionReassignmentsHandler,
  updateFeaturesHandler,
  describeQuorumHandler,
  listConfigResourcesHandler,
  describeTopicPartitionsHandler,
  createAclsHandler,
  deleteAclsHandler,
  describeAclsHandler,
  describeClientQuotasHandler,
  alterClientQuotasHandler,
]

/** Every request this broker answers, by its key. */
export const handlers: ReadonlyMap<number, Handler> = new Map([...all, apiVersionsHandler(all)].map((one) => [one.key, one]))
