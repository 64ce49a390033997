/** `node tools/engines/kafka-rights.ts <host:port>`: gives the user `limited` its rights. */
import kafkajs from 'kafkajs'
import { limitedPrefix, limitedUser } from './systems/kafka-secured.ts'

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, Kafka, logLevel, ResourcePatternTypes } = kafkajs

const rights = [
  ...[AclOperationTypes.READ, AclOperationTypes.WRITE, AclOperationTypes.DESCRIBE].map((operation) => ({
    resourceType: AclResourceTypes.TOPIC,
    operation,
  })),
  { resourceType: AclResourceTypes.GROUP, operation: AclOperationTypes.READ },
]

const [server = ''] = process.argv.slice(2)
const admin = new Kafka({ brokers: [server], logLevel: logLevel.ERROR }).admin()
await admin.connect()
await admin.createAcls({
  acl: rights.map((right) => ({
    ...right,
    resourceName: limitedPrefix,
    resourcePatternType: ResourcePatternTypes.PREFIXED,
    principal: `User:${limitedUser}`,
    host: '*',
    permissionType: AclPermissionTypes.ALLOW,
  })),
})
await admin.disconnect()
