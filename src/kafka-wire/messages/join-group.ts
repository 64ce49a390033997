import { api, array, bool, bytes, int16, int32, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Joins a classic group: first member id, then membership (KIP-394), static members from 5 on (KIP-345). */
export const joinGroup = api(11, 'JoinGroup', {
  versions: [0, 9],
  flexibleFrom: 6,
  request: {
    groupId: string(),
    sessionTimeoutMs: int32(),
    rebalanceTimeoutMs: int32({ from: 1, default: -1, ignorable: true }),
    memberId: string(),
    groupInstanceId: string({ from: 5, nullableFrom: 5, default: null }),
    protocolType: string(),
    protocols: array({ name: string(), metadata: bytes() }),
    reason: string({ from: 8, nullableFrom: 8, default: null, ignorable: true }),
  },
  response: {
    throttleTimeMs: int32({ from: 2, ignorable: true }),
    errorCode: int16(),
    generationId: int32({ default: -1 }),
    protocolType: string({ from: 7, nullableFrom: 7, default: null, ignorable: true }),
    protocolName: string({ nullableFrom: 7 }),
    leader: string(),
    skipAssignment: bool({ from: 9, default: false }),
    memberId: string(),
    members: array({
      memberId: string(),
      groupInstanceId: string({ from: 5, nullableFrom: 5, default: null, ignorable: true }),
      metadata: bytes(),
    }),
  },
})

export type JoinGroupRequest = RequestOf<typeof joinGroup>
export type JoinGroupResponse = ResponseOf<typeof joinGroup>
