// hamd's command line: finds the command, loads only what it needs, turns every error into one line and a sysexits code.
import '../../rules/regex/flags.js'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { workersMax } from '../limits.js'
import { version } from '../root.js'
import { optimiseSoon } from '../tiering.js'
import { CliError, exits } from './exit.js'

const levels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']

/** Commands that speak SpamAssassin's own command lines: their arguments are not ours to parse. */
const assassins: Record<string, () => Promise<{ run(argv: readonly string[]): Promise<number> }>> = {
  spamd: () => import('./spamd.js'),
  spamassassin: () => import('./spamassassin.js'),
  'sa-learn': () => import('./sa-learn.js'),
}

function integer(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('must be a whole number')
  return Number(text)
}

function workers(text: string): number {
  const count = integer(text)
  if (count > workersMax) throw new InvalidArgumentError(`must be at most ${workersMax}`)
  return count
}

const collect = (value: string, previous: string[] | undefined): string[] => [...(previous ?? []), value]

function withRules(command: Command): Command {
  return command
    .option('--config <file>', 'TOML configuration (default: /etc/hamd/hamd.toml if it exists)')
    .option(
      '--rules <path>',
      '.cf file or directory of .pre and .cf files, after the built-in rules; repeatable',
      collect,
    )
    .option('--no-builtin-rules', "leave hamd's own rules out")
}

function withData(command: Command): Command {
  return command
    .option('--config <file>', 'TOML configuration (default: /etc/hamd/hamd.toml if it exists)')
    .option('--data <dir>', 'folder of all state')
}

function withScanning(command: Command): Command {
  return withRules(command)
    .option('--data <dir>', 'folder of all state')
    .option('--local', 'no DNS look-ups')
    .option('--dns <addr>', 'resolver to ask, ip:port; repeatable', collect)
    .option('--clamd <addr>', 'clamd, host:port or unix:/path')
    .addOption(new Option('--log-level <level>', 'pino level').choices(levels))
}

function program(): Command {
  const hamd = new Command('hamd')
    .description("Mail scanning server that answers as SpamAssassin's spamd and as rspamd")
    .version(version)
    .exitOverride()
    .configureOutput({ outputError: () => {} })
  withScanning(hamd.command('serve'))
    .description('run the server in the foreground')
    .option(
      '--scan <addr>',
      'scan listener, all dialects: host:port, [v6]:port, unix:/path; repeatable',
      collect,
    )
    .option('--controller <addr>', 'controller listener; repeatable', collect)
    .option('--allow-tell', 'learning over the spamd protocol')
    .option('--user-prefs-dir <dir>', 'preferences of users: <dir>/<user>/user_prefs or <dir>/<user>')
    .option('--workers <n>', 'scan workers; 0 = scan in the main thread (default: number of cores)', workers)
    .addHelpText(
      'after',
      '\nExample:\n  hamd serve --scan 127.0.0.1:783 --scan unix:/run/hamd.sock --clamd unix:/run/clamav/clamd.ctl',
    )
    .action(async (options) => (await import('./serve.js')).serve(options))
  withScanning(hamd.command('scan [paths...]'))
    .description('scan files, directories or standard input (-) without a server')
    .option('--json', 'one JSON line a message')
    .option('--report', 'the report text')
    .option('--headers', 'the header block with the X-Spam lines')
    .option('--message', 'the message with the X-Spam lines')
    .option('--explain', 'with --json: the piece of the message each rule matched')
    .option('--clues', 'with --json: the tokens that decided')
    .option('--user <name>', 'whose preferences and model')
    .addHelpText('after', '\nExample:\n  hamd scan --json --local ~/Maildir/cur | jq .score')
    .action(async (paths, options) => (await import('./scan.js')).scan(paths, options))
  hamd
    .command('learn <class> [paths...]')
    .description('learn files, directories, mbox or Maildir as spam or ham, or forget them')
    .option('--config <file>', 'TOML configuration')
    .option('--data <dir>', 'folder of all state')
    .option('--user <name>', 'learn into the model of this user')
    .option('--id <scan>', 'learn a scan by its id, without the message; repeatable', collect)
    .addHelpText('after', '\nExample:\n  hamd learn spam ~/Maildir/.Junk\n  hamd learn ham ~/mbox')
    .action(async (what, paths, options) => (await import('./learn.js')).learn(what, paths, options))
  withData(hamd.command('backup <file>'))
    .description('everything the learner knows as one file')
    .option('--force', 'overwrite the file')
    .addHelpText('after', '\nExample:\n  hamd backup /var/backups/hamd.db')
    .action(async (file, options) => (await import('./backup.js')).backup(file, options))
  withData(hamd.command('restore <file>'))
    .description('put a backup in the place of what the learner knows; that is kept beside it')
    .addHelpText('after', '\nExample:\n  hamd restore /var/backups/hamd.db')
    .action(async (file, options) => (await import('./backup.js')).restore(file, options))
  withData(hamd.command('ledger'))
    .description('what was learned, by whom and when; --revoke takes back, --release lets count')
    .option('--user <name>', 'learnings into the model of this user')
    .option('--source <name>', 'learnings from this source, as the list shows it')
    .option('--id <scan>', 'learnings of this scan')
    .option('--since <time>', '2026-07-14, 2026-07-14T10:00Z, or 90m, 12h, 3d ago')
    .option('--until <time>', 'before this time')
    .option('--limit <n>', 'rows shown (default: 100)', integer)
    .option('--held', 'only what is held for review')
    .option('--doubtful', 'labels that the rest of the ledger contradicts, worst first')
    .option('--revoke', 'take back what the filter names; a preview unless --yes')
    .option('--release', 'let held or revoked learnings count; a preview unless --yes')
    .option('--yes', 'do it')
    .option('--json', 'one JSON line a row')
    .addHelpText('after', "\nExample:\n  hamd ledger --source 'spamd 192.0.2.7' --since 3d --revoke")
    .action(async (options) => (await import('./ledger.js')).ledger(options))
  withRules(hamd.command('lint'))
    .description('read configuration and rules, print every problem as file:line: what')
    .option('--hints', 'also hints: unused subtests and the like')
    .addHelpText('after', '\nExample:\n  hamd lint --rules /etc/spamassassin')
    .action(async (options) => (await import('./lint.js')).lint(options))
  hamd
    .command('password')
    .description('make a hash for controller.password (reads the password from standard input)')
    .addHelpText('after', '\nExample:\n  echo secret | hamd password')
    .action(async () => (await import('./password.js')).password())
  hamd
    .command('evaluate')
    .description('measure the learner on your own mail')
    .requiredOption('--index <file>', 'lines `spam PATH` or `ham PATH` in order')
    .option('--online', 'classify, then train, each message (default)')
    .option('--half', 'train on lines 1, 3, 5 ..., test on the rest')
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  hamd evaluate --index mail.index --half')
    .action(async (options) => (await import('./evaluate.js')).evaluate(options))
  for (const [name, about] of [
    ['spamd', "SpamAssassin's spamd command line"],
    ['spamassassin', "SpamAssassin's spamassassin command line"],
    ['sa-learn', "SpamAssassin's sa-learn command line"],
  ] as const)
    hamd.command(name).description(about)
  for (const command of hamd.commands) command.exitOverride().configureOutput({ outputError: () => {} })
  return hamd
}

async function main(argv: readonly string[]): Promise<number> {
  const assassin = assassins[argv[0] ?? '']
  if (assassin) return (await assassin()).run(argv.slice(1))
  const hamd = program()
  if (argv.length === 0) {
    hamd.outputHelp({ error: true })
    return exits.usage
  }
  await hamd.parseAsync(argv as string[], { from: 'user' })
  return typeof process.exitCode === 'number' ? process.exitCode : exits.ok
}

function explain(error: unknown): { status: number; text: string } {
  if (error instanceof CommanderError) {
    const asked = error.exitCode === 0
    return {
      status: asked ? exits.ok : exits.usage,
      text: asked ? '' : `${error.message.replace(/^error: /, '')} (hamd --help)`,
    }
  }
  if (error instanceof CliError) return { status: error.status, text: error.message }
  return {
    status: exits.internal,
    text: error instanceof Error ? (error.stack ?? error.message) : String(error),
  }
}

// Whoever read us has seen enough (`| head`); the status says that the answer was not taken, which must not read as ham.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exits.temporary)
  throw error
})

optimiseSoon()
try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  const { status, text } = explain(error)
  if (text !== '') process.stderr.write(`hamd: ${text}\n`)
  // Threads and sockets of a start that failed half-way would keep the process alive.
  process.exit(status)
}
