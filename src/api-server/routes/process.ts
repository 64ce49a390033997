import { z } from 'zod'
import { answer, type Route } from '../http/route.ts'

/** What is for the user who started Millrace alone: its end, and a link into the console. */
export function processRoutes(ports: { stop(): void; consoleLink(): string | null }): Route[] {
  return [
    answer({
      method: 'POST',
      path: '/stop',
      summary: 'Ends Millrace in order',
      role: 'admin',
      onlyBySocket: true,
      action: 'stop',
      response: z.object({ stopping: z.boolean() }),
      handle: ({ signal }) => {
        // The answer leaves before the end begins.
        signal.addEventListener('abort', () => ports.stop(), { once: true })
        return { stopping: true }
      },
    }),
    answer({
      method: 'POST',
      path: '/sign-in-links',
      summary: 'Makes a link that signs in once, within the hour; null without a console',
      role: 'admin',
      onlyBySocket: true,
      action: 'link.add',
      response: z.object({ url: z.string().nullable() }),
      handle: () => ({ url: ports.consoleLink() }),
    }),
  ]
}
