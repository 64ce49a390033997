import type { ResetView, SourceCursorView, StreamOffsetsView } from '../core/index.ts'

export interface ResetRequest {
  /** earliest, latest, an offset, a time (ISO 8601). */
  to: string
  /** All when left out. */
  partition?: number
}

/** Where streams and sources are, and setting that. */
export interface OffsetPorts {
  of(stream: string): Promise<StreamOffsetsView>
  /** What a reset would do. BAD_REQUEST, NOT_FOUND. */
  plan(stream: string, order: ResetRequest): Promise<ResetView>
  /** `skip`: records may be left unread; BAD_REQUEST otherwise, with their number. IN_USE while a member elsewhere has the group. */
  reset(stream: string, order: ResetRequest & { skip: boolean }): Promise<ResetView>
  cursors(signal: AbortSignal): Promise<SourceCursorView[]>
  /** Resolves to the cursor that was. NOT_FOUND; IN_USE while a run of the source is at work. */
  forget(source: string, signal: AbortSignal): Promise<SourceCursorView>
}
