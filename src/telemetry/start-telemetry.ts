import type { SpanData } from '../core/index.ts'
import { systemClock, type Clock, type Logger } from '../platform/index.ts'
import type { TelemetrySettings } from './environment.ts'
import { Meters, type MetricFamily } from './meters.ts'
import { metricsBody } from './otlp-json.ts'
import { OtlpSender } from './otlp-sender.ts'
import { SpanExporter } from './span-exporter.ts'
import { createTracer, noTracer, type Tracer } from './tracer.ts'

/** What a process traces and counts with. */
export interface Telemetry {
  readonly tracer: Tracer
  readonly meters: Meters
  /** Spans that another process ended. */
  addSpans(spans: readonly SpanData[]): void
  /** Exports what `collect` tells, each time metrics are due, beside the meters. */
  exportAlso(collect: () => Promise<MetricFamily[]>): void
  /** Sends what is left, for at most two seconds. */
  close(): Promise<void>
}

export interface TelemetryOptions {
  /** Null: nothing leaves the process, nothing is traced; meters count all the same, for `/metrics`. */
  settings: TelemetrySettings | null
  log: Logger
  clock?: Clock
}

const closingMs = 2_000

export function startTelemetry({ settings, log, clock = systemClock }: TelemetryOptions): Telemetry {
  const meters = new Meters()
  const spans = settings?.traces ? startSpans(settings, meters, clock, log) : null
  const metrics = settings?.metrics ? startMetrics(settings, meters, clock, log) : null
  return {
    tracer: settings && spans ? createTracer({ sampler: settings.sampler, onEnd: (span) => spans.add(span), clock }) : noTracer,
    meters,
    addSpans: (ended) => {
      for (const span of ended) spans?.add(span)
    },
    exportAlso: (collect) => metrics?.collectors.push(collect),
    close: async () => {
      await Promise.all([spans?.close(closingMs), metrics?.close()])
    },
  }
}

function startSpans(settings: TelemetrySettings, meters: Meters, clock: Clock, log: Logger): SpanExporter | null {
  if (settings.traces === null) return null
  const dropped = meters.counter('millrace_telemetry_spans_dropped_total', 'Spans that were not exported.')
  return new SpanExporter(new OtlpSender(settings.traces, clock, log), settings, clock, (count) => dropped.add(count))
}

interface MetricExporter {
  readonly collectors: (() => Promise<MetricFamily[]>)[]
  close(): Promise<void>
}

function startMetrics(
  { metrics, resource, metricIntervalMs }: TelemetrySettings,
  meters: Meters,
  clock: Clock,
  log: Logger,
): MetricExporter | null {
  if (metrics === null) return null
  const sender = new OtlpSender(metrics, clock, log)
  const sinceMs = clock.nowMs()
  const ending = new AbortController()
  const timing = new AbortController()
  const collectors: MetricExporter['collectors'] = []
  const send = async (): Promise<void> => {
    const told = await Promise.all(collectors.map((collect) => collect().catch((): MetricFamily[] => [])))
    await sender.send(metricsBody(resource, [...told.flat(), ...meters.collect()], sinceMs, clock.nowMs()), ending.signal)
  }
  const run = async (): Promise<void> => {
    while (!timing.signal.aborted) {
      await clock.sleep(metricIntervalMs, timing.signal).catch(() => undefined)
      if (!timing.signal.aborted) await send()
    }
  }
  void run()
  return {
    collectors,
    close: async () => {
      timing.abort()
      // By now the systems that others are counted in may be closed.
      collectors.length = 0
      const stopTimer = clock.after(closingMs, () => ending.abort())
      await send()
      stopTimer()
      ending.abort()
    },
  }
}
