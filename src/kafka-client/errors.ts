import { errorCodes, errorName, isRetriable } from '../kafka-wire/index.ts'
import { MillraceError } from '../platform/index.ts'

/** What Kafka's authorizer asks for, in the words of `kafka-acls.sh`. */
export interface NeededRight {
  operation: 'Read' | 'Write' | 'Describe' | 'DescribeConfigs' | 'Create' | 'Delete' | 'Alter' | 'AlterConfigs'
  on: 'topic' | 'group' | 'transactional-id'
  name: string
  /** What does instead of the right, as a command. */
  instead?: string
}

export interface KafkaErrorOptions {
  message?: string | null
  details?: Record<string, string | number | boolean | null>
  retriable?: boolean
  /** What an authorization error means that it lacks. */
  needs?: NeededRight
}

/** A broker's error code as a MillraceError: KAFKA or KAFKA_RETRIABLE, details `{ errorCode, errorName, … }`. */
export function kafkaError(errorCode: number, what: string, options: KafkaErrorOptions = {}): MillraceError {
  const name = errorName(errorCode)
  const said = options.message ? `: ${options.message.replace(/\.$/, '')}` : ''
  const needs = isAuthorizationError(errorCode) ? options.needs : undefined
  return new MillraceError(
    options.retriable === true || isRetriable(errorCode) ? 'KAFKA_RETRIABLE' : 'KAFKA',
    `${what}: the broker answered ${name}${said}.${needs ? ` ${lacking(needs)}` : ''}`,
    {
      details: {
        errorCode,
        errorName: name,
        ...options.details,
        ...(needs ? { missingRight: needs.operation, resource: `${needs.on} ${needs.name}` } : {}),
      },
    },
  )
}

const authorizationErrors: ReadonlySet<number> = new Set([
  errorCodes.TOPIC_AUTHORIZATION_FAILED,
  errorCodes.GROUP_AUTHORIZATION_FAILED,
  errorCodes.CLUSTER_AUTHORIZATION_FAILED,
  errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
])

/** True when the user may not do this. */
export function isAuthorizationError(errorCode: number): boolean {
  return authorizationErrors.has(errorCode)
}

function lacking({ operation, on, name, instead }: NeededRight): string {
  const grant = `kafka-acls.sh --bootstrap-server <host:port> --add --allow-principal User:<name> --operation ${operation} --${on} ${name}`
  const otherwise = instead ? ` Or they do it themselves: ${instead}` : ''
  return `This user lacks the right ${operation} on ${on} "${name}"; an administrator grants it: ${grant}.${otherwise}`
}

/** A system does not know this user or its password, or does not allow it what it asked for: that is mended there. */
export function isLockedOut({ code, details }: MillraceError): boolean {
  return code === 'AUTHENTICATION_FAILED' || (typeof details.errorName === 'string' && details.errorName.endsWith('_AUTHORIZATION_FAILED'))
}

/** The error's number in Kafka's protocol, or null when it did not come from a broker. */
export function errorCodeOf(error: unknown): number | null {
  const code = error instanceof MillraceError ? error.details.errorCode : null
  return typeof code === 'number' ? code : null
}

const staleMetadata: ReadonlySet<number> = new Set([
  errorCodes.NOT_LEADER_OR_FOLLOWER,
  errorCodes.LEADER_NOT_AVAILABLE,
  errorCodes.REPLICA_NOT_AVAILABLE,
  errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
  errorCodes.UNKNOWN_TOPIC_ID,
  errorCodes.FENCED_LEADER_EPOCH,
  errorCodes.UNKNOWN_LEADER_EPOCH,
  errorCodes.INCONSISTENT_TOPIC_ID,
  errorCodes.KAFKA_STORAGE_ERROR,
  errorCodes.NOT_CONTROLLER,
])

/** True when asking for metadata again may cure the error. */
export function meansStaleMetadata(errorCode: number): boolean {
  return staleMetadata.has(errorCode)
}

const staleCoordinator: ReadonlySet<number> = new Set([errorCodes.COORDINATOR_NOT_AVAILABLE, errorCodes.NOT_COORDINATOR])

/** True when the coordinator of the group or transactional id has to be looked up again. */
export function meansStaleCoordinator(errorCode: number): boolean {
  return staleCoordinator.has(errorCode)
}

/** True for a lost or timed-out connection: the request's outcome is unknown. */
export function isNetworkError(error: unknown): boolean {
  return error instanceof MillraceError && (error.code === 'UNREACHABLE' || error.code === 'TIMED_OUT')
}
