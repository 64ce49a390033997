import { errorCodes, listPartitionReassignments } from '../../kafka-wire/index.ts'
import { handler } from './handler.ts'

/** Moves of replicas that are under way (KIP-455): none ever, with one broker. */
export const listPartitionReassignmentsHandler = handler(listPartitionReassignments, [0, 0], () => ({
  throttleTimeMs: 0,
  errorCode: errorCodes.NONE,
  errorMessage: null,
  topics: [],
}))
