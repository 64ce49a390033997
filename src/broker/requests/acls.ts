import { createAcls, deleteAcls, describeAcls, errorCodes } from '../../kafka-wire/index.ts'
import { handler } from './handler.ts'

/** As Kafka without an authorizer: there are no access rules. */
const disabled = { errorCode: errorCodes.SECURITY_DISABLED, errorMessage: 'No Authorizer is configured.' }

export const describeAclsHandler = handler(describeAcls, [1, 3], () => ({ throttleTimeMs: 0, ...disabled, resources: [] }))

export const createAclsHandler = handler(createAcls, [1, 3], (request) => ({
  throttleTimeMs: 0,
  results: request.creations.map(() => disabled),
}))

export const deleteAclsHandler = handler(deleteAcls, [1, 3], (request) => ({
  throttleTimeMs: 0,
  filterResults: request.filters.map(() => ({ ...disabled, matchingAcls: [] })),
}))
