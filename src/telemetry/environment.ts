import { samplers, type Sampler } from './sampler.ts'
import type { Resource } from './otlp-json.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Where one kind of signal goes. Headers are secrets: never log them (P8). */
export interface OtlpEndpoint {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly gzip: boolean
}

/** What OpenTelemetry's variables say, every default filled in. */
export interface TelemetrySettings {
  /** Null: not exported. */
  readonly traces: OtlpEndpoint | null
  readonly metrics: OtlpEndpoint | null
  readonly resource: Resource
  readonly sampler: Sampler
  readonly metricIntervalMs: number
  readonly spanDelayMs: number
  readonly mostSpansQueued: number
  readonly mostSpansSent: number
}

/**
 * Reads https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/. As it wants, a value that cannot be
 * read is as if it were not set, and is warned of; warnings hold no value of a header (P8).
 * @param resource of this process; what the variables say wins
 * @returns settings null: nothing is exported, by `OTEL_SDK_DISABLED` or without an endpoint
 */
export function telemetrySettings(env: Environment, resource: Resource): { settings: TelemetrySettings | null; warnings: string[] } {
  const warnings: string[] = []
  const read = new Reader(env, warnings)
  if (read.text('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return { settings: null, warnings }
  const traces = read.endpoint('TRACES')
  const metrics = read.endpoint('METRICS')
  if (traces === null && metrics === null) return { settings: null, warnings }
  const settings: TelemetrySettings = {
    traces,
    metrics,
    resource: { 'service.name': 'millrace', ...resource, ...read.resource(), ...read.serviceName() },
    sampler: read.sampler(),
    metricIntervalMs: read.number('OTEL_METRIC_EXPORT_INTERVAL', 60_000),
    spanDelayMs: read.number('OTEL_BSP_SCHEDULE_DELAY', 5_000),
    mostSpansQueued: read.number('OTEL_BSP_MAX_QUEUE_SIZE', 2_048),
    mostSpansSent: read.number('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512),
  }
  return { settings, warnings }
}

type Signal = 'TRACES' | 'METRICS'

class Reader {
  readonly #env: Environment
  readonly #warnings: string[]

  constructor(env: Environment, warnings: string[]) {
    this.#env = env
    this.#warnings = warnings
  }

  /** Empty is not set. */
  text(name: string): string | null {
    const value = this.#env[name]?.trim() ?? ''
    return value === '' ? null : value
  }

  number(name: string, otherwise: number): number {
    const text = this.text(name)
    if (text === null) return otherwise
    if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text)
    this.#warnings.push(`${name}="${text}" is not a number above 0: ${otherwise} is used.`)
    return otherwise
  }

  /** A signal's own variable wins over that of all. */
  #of(signal: Signal, what: string): string | null {
    return this.text(`OTEL_EXPORTER_OTLP_${signal}_${what}`) ?? this.text(`OTEL_EXPORTER_OTLP_${what}`)
  }

  endpoint(signal: Signal): OtlpEndpoint | null {
    if (this.text(`OTEL_${signal}_EXPORTER`)?.toLowerCase() === 'none') return null
    const own = this.text(`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`)
    const shared = this.text('OTEL_EXPORTER_OTLP_ENDPOINT')
    const url = own ?? (shared === null ? null : `${shared.replace(/\/+$/, '')}/v1/${signal.toLowerCase()}`)
    if (url === null) return null
    const name = own === null ? 'OTEL_EXPORTER_OTLP_ENDPOINT' : `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`
    const parsed = URL.canParse(url) ? new URL(url) : null
    if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.username !== '' || parsed.password !== '') {
      this.#warn(`${name} is not a URL without user and password, such as http://127.0.0.1:4318: ${signal.toLowerCase()} are not exported.`)
      return null
    }
    if (this.#of(signal, 'PROTOCOL')?.toLowerCase() === 'grpc')
      this.#warn('OTEL_EXPORTER_OTLP_PROTOCOL is grpc: Millrace speaks OTLP over HTTP with JSON, at port 4318 of a collector.')
    if (this.#of(signal, 'CERTIFICATE') !== null)
      this.#warn('OTEL_EXPORTER_OTLP_CERTIFICATE is not read: name the authority by NODE_EXTRA_CA_CERTS.')
    return {
      url,
      headers: this.#headers(signal),
      timeoutMs: this.number(
        this.text(`OTEL_EXPORTER_OTLP_${signal}_TIMEOUT`) === null ? 'OTEL_EXPORTER_OTLP_TIMEOUT' : `OTEL_EXPORTER_OTLP_${signal}_TIMEOUT`,
        10_000,
      ),
      gzip: this.#of(signal, 'COMPRESSION')?.toLowerCase() === 'gzip',
    }
  }

  #headers(signal: Signal): Record<string, string> {
    const pairs = this.#pairs('OTEL_EXPORTER_OTLP_HEADERS', this.#of(signal, 'HEADERS'))
    return Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value]))
  }

  resource(): Resource {
    return Object.fromEntries(this.#pairs('OTEL_RESOURCE_ATTRIBUTES', this.text('OTEL_RESOURCE_ATTRIBUTES')))
  }

  serviceName(): Resource {
    const name = this.text('OTEL_SERVICE_NAME')
    return name === null ? {} : { 'service.name': name }
  }

  /** `name=value,name=value`, values percent-encoded as in W3C Baggage. */
  #pairs(variable: string, text: string | null): [string, string][] {
    return (text ?? '')
      .split(',')
      .filter((pair) => pair.trim() !== '')
      .flatMap((pair): [string, string][] => {
        const at = pair.indexOf('=')
        const value = decoded(pair.slice(at + 1).trim())
        const name = pair.slice(0, Math.max(0, at)).trim()
        if (/^[\w!#$%&'*+.^`|~-]+$/.test(name) && value !== null && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)) return [[name, value]]
        this.#warn(`${variable}: a part of it is not name=value, and is left out.`)
        return []
      })
  }

  sampler(): Sampler {
    const name = this.text('OTEL_TRACES_SAMPLER') ?? 'parentbased_always_on'
    const found = Object.entries(samplers).find(([each]) => each === name)
    if (found === undefined) {
      this.#warn(`OTEL_TRACES_SAMPLER="${name}" is not one of ${Object.keys(samplers).join(', ')}: all traces are recorded.`)
      return samplers.parentbased_always_on()
    }
    return found[1](this.#ratio())
  }

  #ratio(): number {
    const text = this.text('OTEL_TRACES_SAMPLER_ARG')
    const ratio = Number(text ?? '1')
    if (ratio >= 0 && ratio <= 1) return ratio
    this.#warn(`OTEL_TRACES_SAMPLER_ARG="${text}" is not a number from 0 to 1: all traces are recorded.`)
    return 1
  }

  #warn(warning: string): void {
    if (!this.#warnings.includes(warning)) this.#warnings.push(warning)
  }
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
