import { z } from 'zod'
import { durationMs, projectNamePattern } from '../core/index.ts'
import { basePathForm, basePathOf } from './base-path.ts'

/** The strict schema of `millrace.config.ts` with the environment laid over it: one message for each mistake. */

const port = z.int({ error: portForm }).min(0, { error: portForm }).max(65_535, { error: portForm })
const addresses = z.array(z.string().min(1)).min(1, { error: 'write at least one host:port' })
const filled = z.string().min(1, { error: 'is empty' })
const count = (what: string): z.ZodInt =>
  z.int({ error: `${what} is a whole number of at least 1` }).min(1, { error: `${what} is a whole number of at least 1` })
const consistency = z.enum(['ONE', 'LOCAL_ONE', 'QUORUM', 'LOCAL_QUORUM', 'ALL'], {
  error: 'is not one of ONE, LOCAL_ONE, QUORUM, LOCAL_QUORUM, ALL',
})
const create = z.enum(['auto', 'never'], { error: 'is not one of auto, never' })

function portForm(): string {
  return 'a port is a whole number from 0 (any free one) to 65535'
}

const secretReferenceSchema = z.union([
  z.strictObject({ secret: z.literal('env'), name: z.string().min(1) }),
  z.strictObject({ secret: z.literal('file'), path: z.string().min(1) }),
])
const secretForm = 'write secret.env(…), secret.file(…) or a text'
const secretText = z.union([filled, secretReferenceSchema], { error: secretForm })

const tlsObject = z.strictObject({
  ca: secretText.optional(),
  cert: secretText.optional(),
  key: secretText.optional(),
  passphrase: secretText.optional(),
  serverName: filled.optional(),
  verifyHostname: z.boolean({ error: 'is not true or false' }).optional(),
})
/** `true` is the empty object, `false` nothing. */
const tls = z
  .preprocess((value) => (value === true ? {} : value === false ? undefined : value), tlsObject.optional())
  .superRefine((value, context) => {
    if (value && (value.cert === undefined) !== (value.key === undefined)) {
      const [there, missing] = value.cert === undefined ? ['key', 'cert'] : ['cert', 'key']
      context.addIssue({ code: 'custom', path: [missing], message: `is missing: it belongs to "${there}"` })
    }
  })

const serverTls = z.preprocess(
  (value) => (value === true ? {} : value === false ? undefined : value),
  z.strictObject({ cert: secretText, key: secretText, passphrase: secretText.optional(), clientCa: secretText.optional() }).optional(),
)

const userAndPassword = { username: secretText, password: secretText }
const sasl = z.discriminatedUnion(
  'mechanism',
  [
    z.strictObject({ mechanism: z.literal('PLAIN'), ...userAndPassword }),
    z.strictObject({ mechanism: z.literal('SCRAM-SHA-256'), ...userAndPassword }),
    z.strictObject({ mechanism: z.literal('SCRAM-SHA-512'), ...userAndPassword }),
    z.strictObject({
      mechanism: z.literal('OAUTHBEARER'),
      token: z.union([filled, secretReferenceSchema, z.strictObject({ function: z.string() })], {
        error: 'write an async function that returns a token, secret.env(…) or secret.file(…)',
      }),
      extensions: z.record(z.string(), z.string()).optional(),
    }),
  ],
  { error: 'is not one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER' },
)

export const metadataUrlForm = 'write postgres://user@host:5432/database'
const metadataUrl = z.union([z.url({ protocol: /^postgres(ql)?$/, error: metadataUrlForm }), secretReferenceSchema], {
  error: metadataUrlForm,
})

const registryUrl = z.url({ protocol: /^https?$/, error: 'is not a URL; write http://host:port/…' })

const basePath = z
  .string({ error: basePathForm })
  .refine((text) => basePathOf(text) !== null, { error: basePathForm })
  .transform((text) => basePathOf(text) ?? '')
const hostForm = 'write the names that browsers have in the address bar, without scheme, port and path: console.example.org'
const hostName = z.string({ error: hostForm }).regex(/^(?:[\w.-]+|[\da-f:]+)$/i, hostForm)
const proxyForm = 'write addresses or CIDRs of proxies, such as 10.0.0.7 or 10.0.0.0/8'
/** A network of all addresses would let everyone say who they are. */
const proxy = z
  .union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], { error: proxyForm })
  .refine((text) => !/\/0+$/.test(text), { error: proxyForm })

const duration = z.string({ error: durationForm }).regex(/^\d+(?:\.\d+)?(?:ms|s|m|h|d)$/, { error: durationForm })
const positive = duration.refine((text) => durationMs(text) > 0, { error: durationForm })
const records = z.int({ error: recordsForm }).min(0, { error: recordsForm })

function durationForm(): string {
  return "write a number and ms, s, m, h or d, such as '90s'"
}

function recordsForm(): string {
  return 'a number of records is a whole number of at least 0'
}

/** `true` is a rule with its defaults. */
const rule = <S extends z.ZodRawShape>(shape: S) =>
  z
    .preprocess(
      (value) => (value === true ? {} : value),
      z.union([z.literal(false), z.strictObject(shape)], { error: `write false, true or { ${Object.keys(shape).join(', ')} }` }),
    )
    .optional()
const onOrOff = z.boolean({ error: 'is not true or false' }).optional()
const streamRules = {
  lag: rule({ records: records.optional(), for: duration.optional() }),
  deadLetters: rule({ records: records.optional(), within: positive.optional() }),
  stalled: rule({ for: duration.optional() }),
  stopped: onOrOff,
}
const alerts = z.strictObject({
  webhook: z
    .preprocess(
      (value) => (typeof value === 'string' || secretReferenceSchema.safeParse(value).success ? { url: value } : value),
      z.strictObject({ url: secretText, headers: z.record(z.string(), secretText).optional() }),
    )
    .optional(),
  repeatEvery: positive.optional(),
  resolveAfter: duration.optional(),
  rules: z.strictObject({ ...streamRules, runFailed: onOrOff, partFailed: rule({ for: duration.optional() }) }).optional(),
  streams: z.record(z.string(), z.strictObject(streamRules)).optional(),
})

export const configSchema = z.strictObject({
  name: z.string().regex(projectNamePattern, 'use 1 to 60 letters, digits, "_" or "-"'),
  pipelines: z.array(z.string().min(1)).min(1).optional(),
  dataDir: filled.optional(),
  host: filled.optional(),
  advertisedHost: filled.optional(),
  kafka: z
    .strictObject({
      port: port.optional(),
      bootstrapServers: addresses.optional(),
      tls: tls.optional(),
      sasl: sasl.optional(),
      replicationFactor: count('a replication factor').max(32_767).optional(),
      minInsyncReplicas: count('a number of in-sync replicas').optional(),
      topicConfigs: z.record(z.string(), z.string({ error: 'is not a text; Kafka takes each config as one' })).optional(),
      format: z.enum(['avro', 'json'], { error: 'is not one of avro, json' }).optional(),
      create: create.optional(),
    })
    .superRefine(({ replicationFactor, minInsyncReplicas }, context) => {
      if (replicationFactor !== undefined && minInsyncReplicas !== undefined && minInsyncReplicas > replicationFactor) {
        context.addIssue({
          code: 'custom',
          path: ['minInsyncReplicas'],
          message: `is ${minInsyncReplicas}, more than the ${replicationFactor} replicas there are: nothing could be produced`,
        })
      }
    })
    .optional(),
  cassandra: z
    .strictObject({
      port: port.optional(),
      contactPoints: addresses.optional(),
      localDataCenter: filled.optional(),
      consistency: consistency.optional(),
      readConsistency: consistency.optional(),
      credentials: z.strictObject(userAndPassword).optional(),
      tls: tls.optional(),
      secureBundle: filled.optional(),
      embedded: z.strictObject({ credentials: z.strictObject(userAndPassword).optional(), tls: serverTls.optional() }).optional(),
      replication: z
        .record(z.string(), z.union([z.string(), z.number()]))
        .refine((options) => 'class' in options, { error: "has no class: write { class: 'NetworkTopologyStrategy', dc1: 3 }" })
        .optional(),
      create: create.optional(),
    })
    .superRefine(({ secureBundle, contactPoints, tls: own }, context) => {
      const doubled = secureBundle === undefined ? undefined : contactPoints ? 'contactPoints' : own ? 'tls' : undefined
      if (doubled) context.addIssue({ code: 'custom', path: [doubled], message: 'is in the secure bundle already: leave one of them out' })
    })
    .optional(),
  metadata: z.strictObject({ url: metadataUrl.optional() }).optional(),
  registry: z
    .strictObject({
      port: port.optional(),
      url: registryUrl.optional(),
      credentials: z.strictObject(userAndPassword).optional(),
      tls: tls.optional(),
    })
    .optional(),
  console: z
    .strictObject({
      port: port.optional(),
      basePath: basePath.optional(),
      hosts: z.array(hostName).optional(),
      trustedProxies: z.array(proxy).optional(),
    })
    .optional(),
  alerts: alerts.optional(),
  randomUser: z
    .strictObject({
      mode: z.enum(['auto', 'live', 'local'], { error: 'is not one of auto, live, local' }).optional(),
      url: z.url({ error: 'is not a URL; write http://host:port/…' }).optional(),
    })
    .optional(),
})

export type ParsedConfig = z.infer<typeof configSchema>
