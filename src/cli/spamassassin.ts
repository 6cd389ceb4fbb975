// `hamd spamassassin`: the spamassassin filter's own command line: a message in, the marked message out.
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { parseArgs } from 'node:util'
import { readMails } from '../../bayes/bulk.js'
import { openLearner } from '../../bayes/index.js'
import { createCore, type ServerCore } from '../core.js'
import { createLog } from '../log.js'
import { createDns } from '../net/dns.js'
import { followedVersion, removeMarkup } from '../report/index.js'
import { loadRules } from '../ruling.js'
import { resolversOf } from '../ruling-aside.js'
import { CliError, exits } from './exit.js'
import { tellIdle, withoutDebugAreas } from './sa-options.js'
import { ruleFolders, userPrefsFile } from './sa-paths.js'
import { applyListing, type ListedAs, type Listing } from './sa-welcomelist.js'
import { dataDir, loadConfig, scanPolicy } from './settings.js'

const flag = { type: 'boolean' } as const
const word = { type: 'string' } as const
const options = {
  'test-mode': { ...flag, short: 't' },
  'remove-markup': { ...flag, short: 'd' },
  report: { ...flag, short: 'r' },
  revoke: { ...flag, short: 'k' },
  local: { ...flag, short: 'L' },
  'exit-code': { ...flag, short: 'e' },
  'error-code': flag,
  lint: flag,
  mbox: flag,
  mbx: flag,
  'nocreate-prefs': { ...flag, short: 'x' },
  'create-prefs': { ...flag, short: 'c' },
  prefspath: { ...word, short: 'p' },
  'prefs-file': word,
  configpath: { ...word, short: 'C' },
  'config-file': word,
  siteconfigpath: word,
  cf: { ...word, multiple: true },
  pre: { ...word, multiple: true },
  progress: flag,
  debug: { ...flag, short: 'D' },
  help: { ...flag, short: 'h' },
  version: { ...flag, short: 'V' },
  'add-to-welcomelist': { ...flag, short: 'W' },
  'add-to-whitelist': flag,
  'add-to-blocklist': flag,
  'add-to-blacklist': flag,
  'remove-from-welcomelist': { ...flag, short: 'R' },
  'remove-from-whitelist': flag,
  'add-addr-to-welcomelist': word,
  'add-addr-to-whitelist': word,
  'add-addr-to-blocklist': word,
  'add-addr-to-blacklist': word,
  'remove-addr-from-welcomelist': word,
  'remove-addr-from-whitelist': word,
  ipv4only: { ...flag, short: '4' },
  ipv6only: { ...flag, short: '6' },
} as const

const help = `Usage: hamd spamassassin [options] [FILE | DIR]... < message

  -t                    add the report below the message
  -e                    exit 5 when the message is spam
  -d                    remove SpamAssassin's marks instead
  -r, -k                learn the message as spam, as ham
  -L                    no look-ups
  --lint                check the rules
  --mbox                the input is an mbox
  -p FILE, -C DIR, --siteconfigpath DIR, --cf LINE, --pre LINE, -x
  -W, -R, --add-to-blocklist   list the addresses of the message, or forget them (AWL or TxRep must be loaded)
  --add-addr-to-welcomelist, --add-addr-to-blocklist, --remove-addr-from-welcomelist ADDRESS
  -D, -h, -V

Example: hamd spamassassin -t < mail.eml
`

/** Options that change nothing here. */
const idle = {
  mbox: 'what a path is shows by itself',
  mbx: 'what a path is shows by itself',
  'nocreate-prefs': 'preferences files are never created',
  'create-prefs': 'preferences files are never created',
  progress: 'messages are shown one by one',
  ipv4only: 'the resolvers are asked as the system asks them',
  ipv6only: 'the resolvers are asked as the system asks them',
}

/** spamassassin -e: the message is spam. */
const spamStatus = 5

type Given = ReturnType<typeof parse>['values']

export async function run(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parse(argv)
  tellIdle(values, idle)
  if (values.help) return print(help)
  if (values.version) return print(`SpamAssassin version ${followedVersion}\n`)
  if (values.lint) return lint(values)
  if (values['remove-markup']) {
    for (const raw of messages(positionals)) process.stdout.write(removeMarkup(raw))
    return exits.ok
  }
  const listing = listingOf(values)
  if (listing) return listAddresses(listing, values, positionals)
  const mails = messages(positionals)
  const core = await openCore(values)
  try {
    if (values.report || values.revoke) return await teach(core, mails, values.report ? 'spam' : 'ham')
    let spam = false
    for (const raw of mails) spam = (await filter(core, raw, values['test-mode'] === true)) || spam
    return spam && (values['exit-code'] || values['error-code']) ? spamStatus : exits.ok
  } finally {
    await core.close()
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: withoutDebugAreas(argv), options, allowPositionals: true })
  } catch (error) {
    throw new CliError(exits.usage, (error as Error).message.split('. ')[0]!)
  }
}

function print(text: string): number {
  process.stdout.write(text)
  return exits.ok
}

function* messages(paths: readonly string[]): Generator<Uint8Array> {
  if (paths.length === 0 || paths.includes('-')) yield readFileSync(0)
  const named = paths.filter((path) => path !== '-')
  for (const { raw } of readMails(named, (name, reason) =>
    process.stderr.write(`hamd: ${name}: ${reason}\n`),
  ))
    yield raw
}

/** The options that list addresses: with an address of their own, or for those of the mails. */
const listingOptions: readonly (readonly [name: keyof Given, as: ListedAs])[] = [
  ['add-to-welcomelist', 'welcome'],
  ['add-to-whitelist', 'welcome'],
  ['add-to-blocklist', 'block'],
  ['add-to-blacklist', 'block'],
  ['remove-from-welcomelist', 'remove'],
  ['remove-from-whitelist', 'remove'],
  ['add-addr-to-welcomelist', 'welcome'],
  ['add-addr-to-whitelist', 'welcome'],
  ['add-addr-to-blocklist', 'block'],
  ['add-addr-to-blacklist', 'block'],
  ['remove-addr-from-welcomelist', 'remove'],
  ['remove-addr-from-whitelist', 'remove'],
]

function listingOf(values: Given): Listing | undefined {
  const found = listingOptions.find(([name]) => values[name] !== undefined)
  if (!found) return undefined
  const address = values[found[0]]
  return { as: found[1], address: typeof address === 'string' ? address : undefined }
}

function listAddresses(listing: Listing, values: Given, paths: readonly string[]): number {
  const dir = dataDir(loadConfig({}))
  mkdirSync(dir, { recursive: true, mode: 0o750 })
  const mails = listing.address === undefined ? [...messages(paths)] : []
  for (const line of applyListing(listing, mails, rulesOf(values), dir)) process.stdout.write(line)
  return listing.address === undefined ? print(`${mails.length} message(s) examined.\n`) : exits.ok
}

function rulesOf(values: Given) {
  const folders = ruleFolders({
    ...(values.configpath === undefined ? {} : { configPath: values.configpath }),
    ...(values.siteconfigpath === undefined ? {} : { sitePath: values.siteconfigpath }),
  })
  return loadRules({
    builtin: false,
    paths: folders,
    local: values.local === true,
    preLines: (values.pre ?? []).join('\n'),
    cfLines: `${(values.cf ?? []).join('\n')}\n${prefsText(values)}`,
  })
}

/** The user's own preferences, read last; a missing file is none. */
function prefsText(values: Given): string {
  try {
    return readFileSync(values.prefspath ?? values['prefs-file'] ?? userPrefsFile(homedir()), 'latin1')
  } catch {
    return ''
  }
}

/** As spamassassin --lint: silent when all is well, else each problem and exit status 1. */
function lint(values: Given): number {
  const problems = rulesOf(values).problems.filter((problem) => problem.severity !== 'hint')
  for (const { file, line, text } of problems)
    process.stderr.write(`warn: config: ${text} (${file}, line ${line})\n`)
  if (problems.length > 0)
    process.stderr.write(
      `warn: lint: ${problems.length} issues detected, please rerun with debug enabled for more information\n`,
    )
  return problems.length > 0 ? exits.failed : exits.ok
}

async function openCore(values: Given): Promise<ServerCore> {
  const config = loadConfig({ logLevel: 'error' })
  const readOnly = !(values.report || values.revoke)
  const learner = await openLearner({ dataDir: dataDir(config), readOnly }).catch(() => undefined)
  const plan = rulesOf(values)
  const servers = resolversOf(config.network.dns, plan)
  const net = { dns: createDns({ servers, local: values.local === true }) }
  return createCore(
    {
      plan,
      policy: scanPolicy(config),
      prefs: { kind: 'off', dir: null, allowUserRules: false },
    },
    {
      workers: 0,
      queueMax: 1,
      hangMs: config.workers.hang_ms,
      net,
      learner,
      // Senders' histories, where there are any.
      dataDir: existsSync(dataDir(config)) ? dataDir(config) : undefined,
      automataFile: undefined,
      log: createLog('error'),
    },
  )
}

async function filter(core: ServerCore, raw: Uint8Array, test: boolean): Promise<boolean> {
  const scanned = await core.scan({
    id: randomUUID(),
    raw,
    envelope: { rcptTo: [] },
    wants: { rewritten: 'message', ...(test ? { report: true } : {}) },
    front: 'spamassassin',
  })
  process.stdout.write(scanned.rewritten ?? raw)
  if (test) process.stdout.write(Buffer.from(scanned.report ?? '', 'latin1'))
  return scanned.verdict.isSpam
}

async function teach(
  core: ServerCore,
  mails: Iterable<Uint8Array>,
  mailClass: 'spam' | 'ham',
): Promise<number> {
  let examined = 0
  for (const raw of mails) {
    examined++
    const outcome = await core.learn({
      raw,
      class: mailClass,
      source: `spamassassin ${userInfo().username}`,
    })
    if (outcome.status === 'refused' || outcome.status === 'failed')
      process.stderr.write(`spamassassin: warning, unable to learn the message: ${outcome.reason}\n`)
  }
  return print(`${examined} message(s) examined.\n`)
}
