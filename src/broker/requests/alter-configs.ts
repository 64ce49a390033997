import { alterConfigs, errorCodes } from '../../kafka-wire/index.ts'
import { applyConfigs } from './configured-resource.ts'
import { handler } from './handler.ts'

/** Replaces all settings of topics, of the broker and of groups: what is not named goes back to its default. */
export const alterConfigsHandler = handler(alterConfigs, [0, 2], (request, context) => ({
  throttleTimeMs: 0,
  responses: request.resources.map(({ resourceType, resourceName, configs }) => {
    const outcome = applyConfigs({ resourceType, resourceName }, request.validateOnly, context, () => {
      const empty = configs.find(({ value }) => value === null)
      if (empty) return { is: 'wrong', errorCode: errorCodes.INVALID_REQUEST, message: `${empty.name} has no value` }
      return { is: 'next', configs: Object.fromEntries(configs.map(({ name, value }) => [name, value ?? ''])) }
    })
    return { resourceType, resourceName, ...outcome }
  }),
}))
