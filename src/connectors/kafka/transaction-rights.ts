import { MillraceError } from '../../platform/index.ts'

/**
 * A refusal to use a transactional id, with the command that allows all of the project's: streams have one a data folder, sources one
 * each. Other errors as they are.
 */
export function withTransactionRights(error: MillraceError, project: string): MillraceError {
  if (error.details.errorName !== 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED') return error
  const prefix = `millrace.${project}.`
  const command = `kafka-acls.sh --bootstrap-server <host:port> --add --allow-principal User:<name> --operation Write --operation Describe --resource-pattern-type prefixed --transactional-id ${prefix}`
  return new MillraceError(
    error.code,
    `This user may not write in transactions, in which pages go with their cursors and dead letters with their offsets. An administrator allows it for all sources and streams of the project: ${command}`,
    { cause: error, retriable: error.retriable, details: { ...error.details, commands: command } },
  )
}
