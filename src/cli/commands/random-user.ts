import type { Command } from 'commander'
import { serveRandomUser } from '../../runtime/index.ts'
import type { WithContext } from '../main.ts'

export function addRandomUserCommand(program: Command, context: WithContext): void {
  program
    .command('randomuser')
    .description('serve a stand-in of randomuser.me on this machine, the same users for the same seed and page')
    .option('--port <n>', 'port, 0 for any free one', '8090')
    .action(async ({ port }: { port: string }) => {
      const { output } = context()
      await using server = await serveRandomUser(Number(port))
      output.line(`RandomUser stand-in at ${server.address} — e.g. ${server.address}?results=2&seed=millrace&page=1`)
      output.data({ url: server.address })
      await new Promise<void>((resolve) => {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
      })
    })
}
