import { int8, string } from '../schema/index.ts'

/** What an access rule is looked for by (KIP-140), as DescribeAcls and DeleteAcls have it. */
export const aclFilter = {
  resourceTypeFilter: int8(),
  resourceNameFilter: string({ nullableFrom: 0 }),
  patternTypeFilter: int8({ default: 3 }),
  principalFilter: string({ nullableFrom: 0 }),
  hostFilter: string({ nullableFrom: 0 }),
  operation: int8(),
  permissionType: int8(),
} as const
