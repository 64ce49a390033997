import type { Command } from 'commander'
import type { ApiClient } from '../../api-client/index.ts'
import type { RunDetail, RunView } from '../../core/index.ts'
import { MillraceError, systemClock } from '../../platform/index.ts'
import type { WithContext } from '../main.ts'
import { objectOption, wholeNumberOption } from '../options.ts'
import type { Output } from '../output.ts'

export function addDagCommands(program: Command, context: WithContext): void {
  program
    .command('dags')
    .description('list the DAGs with their schedule and last run')
    .action(async () => {
      const { api, output } = context()
      const dags = await (await api()).dags()
      output.data(dags)
      output.table(
        ['DAG', 'SCHEDULE', 'NEXT RUN', 'RUNS', 'LAST RUN', 'STATE'],
        dags.map((dag) => [
          dag.id,
          dag.schedule ?? 'manual',
          dag.paused ? 'paused' : dag.nextRun,
          dag.runCount,
          dag.lastRun?.runId,
          dag.lastRun?.state,
        ]),
      )
    })
  program
    .command('trigger <dag>')
    .description('start a run of a DAG now')
    .option('--params <json>', 'parameters of the run, a JSON object')
    .option('--wait', 'wait for its end; exit 1 when it failed')
    .action(async (dag: string, options: { params?: string; wait?: boolean }) => {
      const { api, output } = context()
      const client = await api()
      const { run } = await client.trigger(dag, options.params === undefined ? {} : { params: objectOption('--params', options.params) })
      const ended = options.wait ? await waitForEnd(client, run) : run
      output.data(ended)
      output.line(`${ended.runId} ${ended.state}${ended.reason === null ? '' : `: ${ended.reason}`}`)
      if (ended.state === 'failed') process.exitCode = 1
    })
  program
    .command('runs [dag]')
    .description('list runs, the newest first')
    .option('--limit <n>', 'how many', '25')
    .action(async (dag: string | undefined, { limit }: { limit: string }) => {
      const { api, output } = context()
      const runs = await (await api()).runs({ limit: wholeNumberOption('--limit', limit), ...(dag === undefined ? {} : { dag }) })
      output.data(runs)
      output.table(
        ['DAG', 'RUN', 'STATE', 'STARTED', 'ENDED', 'REASON'],
        runs.map((run) => [run.dagId, run.runId, run.state, run.startedAt, run.endedAt, run.reason]),
      )
    })
  program
    .command('logs <dag>')
    .description("the log of a task's attempts, of the last run unless one is named")
    .option('--run <id>', 'a run other than the last')
    .option('--task <id>', 'one task')
    .option('--attempt <n>', 'one attempt')
    .option('-f, --follow', 'go on until the run ends')
    .action(async (dag: string, options: LogOptions) => {
      const { api, output } = context()
      await printLogs(await api(), dag, options, output)
    })
}

async function waitForEnd(client: ApiClient, run: RunView): Promise<RunView> {
  for (let current = run; ; current = await client.run(run.dagId, run.runId)) {
    if (current.endedAt !== null) return current
    await systemClock.sleep(200)
  }
}

interface LogOptions {
  run?: string
  task?: string
  attempt?: string
  follow?: boolean
}

async function printLogs(client: ApiClient, dag: string, options: LogOptions, output: Output): Promise<void> {
  const runId = options.run ?? (await client.runs({ dag, limit: 1 }))[0]?.runId
  if (runId === undefined) throw new MillraceError('NOT_FOUND', `DAG ${dag} has no run yet: start one with "millrace trigger ${dag}".`)
  /** Bytes already printed, by task and attempt. */
  const printed = new Map<string, number>()
  for (;;) {
    const run = await client.run(dag, runId)
    for (const { task, attempt } of attemptsOf(run, options)) {
      const id = `${task}/${attempt}`
      const chunk = await client.log(dag, runId, task, { attempt, from: printed.get(id) ?? 0 })
      if (chunk.text !== '' && !printed.has(id)) output.line(`── ${task}, attempt ${attempt} (${runId})`)
      for (const line of chunk.text.split('\n').slice(0, -1)) {
        output.line(line)
        output.data({ run: runId, task, attempt, line })
      }
      printed.set(id, chunk.next)
    }
    if (!options.follow || run.endedAt !== null) return
    await systemClock.sleep(300)
  }
}

function attemptsOf(run: RunDetail, { task, attempt }: LogOptions): { task: string; attempt: number }[] {
  return run.tasks
    .filter((each) => task === undefined || each.taskId === task)
    .flatMap((each) => each.attempts.map((one) => ({ task: each.taskId, attempt: one.attempt })))
    .filter((each) => attempt === undefined || each.attempt === Number(attempt))
}
