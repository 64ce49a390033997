import type { Command } from 'commander'
import type { AlertView } from '../../core/index.ts'
import type { WithContext } from '../main.ts'
import type { Output } from '../output.ts'

export function addAlertCommands(program: Command, context: WithContext): void {
  const alerts = program
    .command('alerts')
    .description('the alerts that fire, and how their messages get to the webhook')
    .action(async () => {
      const { api, output } = context()
      const view = await (await api()).alerts()
      output.data(view)
      if (view.firing.length === 0) output.line('no alert fires')
      else printAlerts(view.firing, output)
      const { host, delivered, waiting, lastError } = view.webhook
      if (host === null) output.line('no webhook is configured (alerts.webhook in millrace.config.ts)')
      else output.line(`webhook ${host}: ${delivered} delivered, ${waiting} waiting${lastError === null ? '' : `; ${lastError}`}`)
    })
  alerts
    .command('test')
    .description('send a test message to the webhook and print what it answers')
    .action(async () => {
      const { api, output } = context()
      const result = await (await api()).testAlerts()
      output.data(result)
      output.line(`${result.host}: ${result.error ?? `it answered ${result.status}`}`)
      if (result.body !== '') output.line(result.body)
      if (result.error !== null) process.exitCode = 1
    })
}

export function printAlerts(alerts: readonly AlertView[], output: Output): void {
  output.table(
    ['ALERT', 'SEVERITY', 'SINCE', ''],
    alerts.map(({ name, severity, startsAt, summary }) => [name, severity, startsAt, summary]),
  )
}
