export { apis } from './apis.ts'
export { errorCodes, errorName, isRetriable } from './error-codes.ts'
export { correlationIdOf, decodeRequestHeader, decodeResponse, encodeRequestFrame, encodeResponseFrame } from './frames.ts'
export { Reader } from './reader.ts'
export type { Api, Field, Fields, FieldShape, Message, Primitive, RequestOf, ResponseOf } from './schema/index.ts'
export { WireError, type Decoded } from './wire-error.ts'
export { Writer } from './writer.ts'
export { decodeBatch, type KafkaRecord } from './records/decode-batch.ts'
export { patchBatch, readBatchHeader, verifyBatchCrc, BATCH_HEADER_BYTES, type BatchHeader } from './records/batch-header.ts'
export { RecordColumns } from './records/columns.ts'
export { decodeBatchInto, type Appended } from './records/decode-batch-into.ts'
export { encodeBatch, type BatchInput, type RecordInput } from './records/encode-batch.ts'
export { filterBatch, type FilteredRecord } from './records/filter-batch.ts'
export { recompressBatch } from './records/recompress-batch.ts'
export { readHeaders, type RecordHeader } from './records/record-headers.ts'
export type { Compression } from './records/compression.ts'

export { produce, type ProduceRequest, type ProduceResponse } from './messages/produce.ts'
export { fetch, type FetchRequest, type FetchResponse } from './messages/fetch.ts'
export { listOffsets, type ListOffsetsRequest, type ListOffsetsResponse } from './messages/list-offsets.ts'
export { metadata, type MetadataRequest, type MetadataResponse } from './messages/metadata.ts'
export { offsetCommit, type OffsetCommitRequest, type OffsetCommitResponse } from './messages/offset-commit.ts'
export { offsetFetch, type OffsetFetchRequest, type OffsetFetchResponse } from './messages/offset-fetch.ts'
export { findCoordinator, type FindCoordinatorRequest, type FindCoordinatorResponse } from './messages/find-coordinator.ts'
export { joinGroup, type JoinGroupRequest, type JoinGroupResponse } from './messages/join-group.ts'
export { heartbeat, type HeartbeatRequest, type HeartbeatResponse } from './messages/heartbeat.ts'
export { leaveGroup, type LeaveGroupRequest, type LeaveGroupResponse } from './messages/leave-group.ts'
export { syncGroup, type SyncGroupRequest, type SyncGroupResponse } from './messages/sync-group.ts'
export { describeGroups, type DescribeGroupsRequest, type DescribeGroupsResponse } from './messages/describe-groups.ts'
export { listGroups, type ListGroupsRequest, type ListGroupsResponse } from './messages/list-groups.ts'
export { saslHandshake, type SaslHandshakeRequest, type SaslHandshakeResponse } from './messages/sasl-handshake.ts'
export { apiVersions, type ApiVersionsRequest, type ApiVersionsResponse } from './messages/api-versions.ts'
export { createTopics, type CreateTopicsRequest, type CreateTopicsResponse } from './messages/create-topics.ts'
export { deleteTopics, type DeleteTopicsRequest, type DeleteTopicsResponse } from './messages/delete-topics.ts'
export { deleteRecords, type DeleteRecordsRequest, type DeleteRecordsResponse } from './messages/delete-records.ts'
export { initProducerId, type InitProducerIdRequest, type InitProducerIdResponse } from './messages/init-producer-id.ts'
export {
  offsetForLeaderEpoch,
  type OffsetForLeaderEpochRequest,
  type OffsetForLeaderEpochResponse,
} from './messages/offset-for-leader-epoch.ts'
export { addPartitionsToTxn, type AddPartitionsToTxnRequest, type AddPartitionsToTxnResponse } from './messages/add-partitions-to-txn.ts'
export { addOffsetsToTxn, type AddOffsetsToTxnRequest, type AddOffsetsToTxnResponse } from './messages/add-offsets-to-txn.ts'
export { endTxn, type EndTxnRequest, type EndTxnResponse } from './messages/end-txn.ts'
export { txnOffsetCommit, type TxnOffsetCommitRequest, type TxnOffsetCommitResponse } from './messages/txn-offset-commit.ts'
export { describeConfigs, type DescribeConfigsRequest, type DescribeConfigsResponse } from './messages/describe-configs.ts'
export { alterConfigs, type AlterConfigsRequest, type AlterConfigsResponse } from './messages/alter-configs.ts'
export {
  describeUserScramCredentials,
  type DescribeUserScramCredentialsRequest,
  type DescribeUserScramCredentialsResponse,
} from './messages/describe-user-scram-credentials.ts'
export {
  alterUserScramCredentials,
  type AlterUserScramCredentialsRequest,
  type AlterUserScramCredentialsResponse,
} from './messages/alter-user-scram-credentials.ts'
export { saslAuthenticate, type SaslAuthenticateRequest, type SaslAuthenticateResponse } from './messages/sasl-authenticate.ts'
export { createPartitions, type CreatePartitionsRequest, type CreatePartitionsResponse } from './messages/create-partitions.ts'
export { deleteGroups, type DeleteGroupsRequest, type DeleteGroupsResponse } from './messages/delete-groups.ts'
export {
  incrementalAlterConfigs,
  type IncrementalAlterConfigsRequest,
  type IncrementalAlterConfigsResponse,
} from './messages/incremental-alter-configs.ts'
export { offsetDelete, type OffsetDeleteRequest, type OffsetDeleteResponse } from './messages/offset-delete.ts'
export { describeCluster, type DescribeClusterRequest, type DescribeClusterResponse } from './messages/describe-cluster.ts'
export { writeTxnMarkers, type WriteTxnMarkersRequest, type WriteTxnMarkersResponse } from './messages/write-txn-markers.ts'
export { describeProducers, type DescribeProducersRequest, type DescribeProducersResponse } from './messages/describe-producers.ts'
export {
  describeTransactions,
  type DescribeTransactionsRequest,
  type DescribeTransactionsResponse,
} from './messages/describe-transactions.ts'
export { listTransactions, type ListTransactionsRequest, type ListTransactionsResponse } from './messages/list-transactions.ts'
export { describeLogDirs, type DescribeLogDirsRequest, type DescribeLogDirsResponse } from './messages/describe-log-dirs.ts'
export {
  consumerGroupHeartbeat,
  type ConsumerGroupHeartbeatRequest,
  type ConsumerGroupHeartbeatResponse,
} from './messages/consumer-group-heartbeat.ts'
export {
  consumerGroupDescribe,
  type ConsumerGroupDescribeRequest,
  type ConsumerGroupDescribeResponse,
} from './messages/consumer-group-describe.ts'
export { electLeaders, type ElectLeadersRequest, type ElectLeadersResponse } from './messages/elect-leaders.ts'
export {
  alterPartitionReassignments,
  type AlterPartitionReassignmentsRequest,
  type AlterPartitionReassignmentsResponse,
} from './messages/alter-partition-reassignments.ts'
export {
  listPartitionReassignments,
  type ListPartitionReassignmentsRequest,
  type ListPartitionReassignmentsResponse,
} from './messages/list-partition-reassignments.ts'
export { describeQuorum, type DescribeQuorumRequest, type DescribeQuorumResponse } from './messages/describe-quorum.ts'
export { updateFeatures, type UpdateFeaturesRequest, type UpdateFeaturesResponse } from './messages/update-features.ts'
export { listConfigResources, type ListConfigResourcesRequest, type ListConfigResourcesResponse } from './messages/list-config-resources.ts'
export {
  describeTopicPartitions,
  type DescribeTopicPartitionsRequest,
  type DescribeTopicPartitionsResponse,
} from './messages/describe-topic-partitions.ts'
export {
  alterReplicaLogDirs,
  type AlterReplicaLogDirsRequest,
  type AlterReplicaLogDirsResponse,
} from './messages/alter-replica-log-dirs.ts'
export { describeAcls, type DescribeAclsRequest, type DescribeAclsResponse } from './messages/describe-acls.ts'
export { createAcls, type CreateAclsRequest, type CreateAclsResponse } from './messages/create-acls.ts'
export {
  describeClientQuotas,
  type DescribeClientQuotasRequest,
  type DescribeClientQuotasResponse,
} from './messages/describe-client-quotas.ts'
export { alterClientQuotas, type AlterClientQuotasRequest, type AlterClientQuotasResponse } from './messages/alter-client-quotas.ts'
export { deleteAcls, type DeleteAclsRequest, type DeleteAclsResponse } from './messages/delete-acls.ts'
export {
  consumerGroupCurrentMemberAssignment,
  consumerGroupMemberMetadata,
  consumerGroupMetadata,
  consumerGroupRegularExpression,
  consumerGroupTargetAssignmentMember,
  consumerGroupTargetAssignmentMetadata,
  groupRecordKinds,
} from './group-records.ts'
