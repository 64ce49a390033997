import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { Argument, Option, type Command } from 'commander'
import type { Role } from '../../api-client/index.ts'
import { MillraceError } from '../../platform/index.ts'
import type { WithContext } from '../main.ts'
import { wholeNumberOption } from '../options.ts'

const roles: readonly Role[] = ['viewer', 'operator', 'admin']

/** Who may use the console and the API: a link for oneself, users, tokens for machines, what they did. */
export function addAccessCommands(program: Command, context: WithContext): void {
  program
    .command('open')
    .description('print a link that signs in to the console once, within the hour')
    .action(async () => {
      const { api, output } = context()
      const url = await (await api()).signInLink()
      if (url === null) throw new MillraceError('NOT_FOUND', 'This Millrace has no console: "millrace status" says why.')
      output.data({ url })
      output.line(url)
    })
  addUserCommands(program, context)
  addTokenCommands(program, context)
  program
    .command('audit')
    .description('who did what, newest first')
    .option('--limit <n>', 'how many', '50')
    .action(async ({ limit }: { limit: string }) => {
      const { api, output } = context()
      const entries = await (await api()).audit(wholeNumberOption('--limit', limit))
      output.data(entries)
      output.table(
        ['AT', 'WHO', 'ACTION', 'TARGET', 'OUTCOME', ''],
        entries.map(({ at, who, action, target, outcome, error }) => [at, who, action, target, outcome, error]),
      )
    })
}

function addUserCommands(program: Command, context: WithContext): void {
  const users = program.command('users').description('who may sign in to the console')
  users
    .command('list')
    .description('list users and their roles')
    .action(async () => {
      const { api, output } = context()
      const list = await (await api()).users()
      output.data(list)
      output.table(
        ['USER', 'ROLE', 'SINCE'],
        list.map(({ name, role, createdAt }) => [name, role, createdAt]),
      )
    })
  users
    .command('add <name>')
    .description('add a user; the password is read from standard input')
    .addOption(new Option('--role <role>', 'what the user may do').choices(roles).default('viewer'))
    .action(async (name: string, { role }: { role: Role }) => {
      const { api, output } = context()
      const client = await api()
      await client.addUser({ name, role, password: await readPassword() })
      output.line(`added ${name} as ${role}`)
    })
  users
    .command('set-password <name>')
    .description('give a user another password, read from standard input; the sessions of the user end')
    .action(async (name: string) => {
      const { api, output } = context()
      const client = await api()
      await client.changeUser(name, { password: await readPassword() })
      output.line(`changed the password of ${name}`)
    })
  users
    .command('set-role <name>')
    .description('give a user another role; the sessions of the user end')
    .addArgument(new Argument('<role>').choices(roles))
    .action(async (name: string, role: Role) => {
      const { api, output } = context()
      await (await api()).changeUser(name, { role })
      output.line(`${name} is ${role} now`)
    })
  users
    .command('remove <name>')
    .description('remove a user; the sessions of the user end')
    .action(async (name: string) => {
      const { api, output } = context()
      await (await api()).removeUser(name)
      output.line(`removed ${name}`)
    })
}

function addTokenCommands(program: Command, context: WithContext): void {
  const tokens = program.command('tokens').description('API tokens for machines (Authorization: Bearer …)')
  tokens
    .command('list')
    .description('list tokens; what they are is told once, when they are made')
    .action(async () => {
      const { api, output } = context()
      const list = await (await api()).tokens()
      output.data(list)
      output.table(
        ['ID', 'NAME', 'ROLE', 'SINCE'],
        list.map(({ id, name, role, createdAt }) => [id, name, role, createdAt]),
      )
    })
  tokens
    .command('add <name>')
    .description('make a token and print it, once')
    .addOption(new Option('--role <role>', 'what it may do').choices(roles).default('viewer'))
    .action(async (name: string, { role }: { role: Role }) => {
      const { api, output } = context()
      const made = await (await api()).addToken({ name, role })
      output.data(made)
      output.line(made.token)
    })
  tokens
    .command('remove <id>')
    .description('remove a token')
    .action(async (id: string) => {
      const { api, output } = context()
      await (await api()).removeToken(id)
      output.line(`removed ${id}`)
    })
}

/** The first line of standard input: an argument would stay in the shell's history and be seen by everybody (P8). */
async function readPassword(): Promise<string> {
  const { isTTY } = process.stdin
  if (isTTY) process.stderr.write('password (not shown): ')
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  using lines = createInterface({ input: process.stdin, output: nowhere, terminal: isTTY })
  for await (const line of lines) {
    if (isTTY) process.stderr.write('\n')
    if (line !== '') return line
  }
  throw new MillraceError(
    'BAD_REQUEST',
    'No password came in: write it to standard input, as in "pass show millrace | millrace users add ann".',
  )
}
