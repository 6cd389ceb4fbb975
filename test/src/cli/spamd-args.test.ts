// SpamAssassin's spamd options as init scripts, unit files and man pages write them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSpamdArgs, type SpamdArgs } from '../../../src/cli/spamd-args.js'

function serve(...argv: string[]): SpamdArgs {
  const command = parseSpamdArgs(argv)
  assert.equal(command.kind, 'serve', JSON.stringify(command))
  return (command as { args: SpamdArgs }).args
}

function refused(...argv: string[]): string {
  const command = parseSpamdArgs(argv)
  assert.equal(command.kind, 'usage-error', JSON.stringify(command))
  return (command as { text: string }).text
}

const addresses = (args: SpamdArgs) =>
  args.listen.map(({ address, tls }) => (tls ? `tls ${address}` : address))

test("nothing said: spamd's defaults", () => {
  const args = serve()
  assert.deepEqual(addresses(args), ['localhost:783'])
  assert.deepEqual(args.allowedIps, ['127.0.0.1', '::1'])
  assert.equal(args.allowTell, false)
  assert.equal(args.local, false)
  assert.equal(args.daemonize, false)
  assert.equal(args.firstLineMs, undefined)
  assert.deepEqual(args.prefs, { kind: 'home', create: false })
  assert.deepEqual(args.log, { kind: 'syslog', facility: 'mail' })
  assert.deepEqual(args.notes, [])
})

test("Debian's unit: create-prefs, max-children, helper-home-dir", () => {
  const args = serve(
    '--create-prefs',
    '--max-children',
    '5',
    '--helper-home-dir',
    '-d',
    '--pidfile=/run/spamd.pid',
  )
  assert.equal(args.workers, 5)
  assert.deepEqual(args.prefs, { kind: 'home', create: true })
  assert.equal(args.pidFile, '/run/spamd.pid')
  assert.equal(args.daemonize, true)
  assert.deepEqual(args.notes, [
    "spamd option --create-prefs has no effect: a user without a file has the site's settings",
    'spamd option --helper-home-dir has no effect: no helper programs are run',
  ])
})

test('letters in bundles, with and without blanks', () => {
  const args = serve(
    '-dlLx',
    '-m5',
    '-t0',
    '-T',
    '10',
    '-r/run/x',
    '-unobody',
    '-A',
    '10.0.0.0/8,192.0.2.1',
    '-A127.0.0.1',
  )
  assert.equal(args.daemonize && args.allowTell && args.local, true)
  assert.deepEqual(args.prefs, { kind: 'off' })
  assert.equal(args.workers, 5)
  assert.equal(args.requestMs, 0)
  assert.equal(args.firstLineMs, 10_000)
  assert.equal(args.pidFile, '/run/x')
  assert.equal(args.user, 'nobody')
  assert.deepEqual(args.allowedIps, ['10.0.0.0/8', '192.0.2.1', '127.0.0.1'])
})

test('where to listen', () => {
  assert.deepEqual(addresses(serve('-i')), ['*:783'])
  assert.deepEqual(addresses(serve('-i', '-L')), ['*:783'])
  assert.deepEqual(addresses(serve('-i', '*', '-p', '1783')), ['*:1783'])
  assert.deepEqual(addresses(serve('-i', '192.0.2.1:99', '-i', '[2001:db8::1]:98', '-i', '2001:db8::2')), [
    '192.0.2.1:99',
    '[2001:db8::1]:98',
    '[2001:db8::2]:783',
  ])
  assert.deepEqual(addresses(serve('-i', '/run/spamd.sock')), ['unix:/run/spamd.sock'])
  assert.deepEqual(addresses(serve('--socketpath=/run/spamd.sock')), ['unix:/run/spamd.sock'])
  assert.deepEqual(addresses(serve('--socketpath=/run/s', '-i', '127.0.0.1')), [
    'unix:/run/s',
    '127.0.0.1:783',
  ])
  assert.deepEqual(addresses(serve('-4')), ['127.0.0.1:783'])
  assert.deepEqual(addresses(serve('-6', '-i')), ['[::]:783'])
  assert.match(refused('-i', 'a b:c:'), /not an address/)
  assert.match(refused('-p', 'x'), /not a port/)
})

test('TLS', () => {
  const files = ['--server-key', 'k.pem', '--server-cert', 'c.pem']
  const args = serve('--ssl', ...files, '--ssl-verify', '--ssl-ca-file', 'ca.pem')
  assert.deepEqual(addresses(args), ['tls localhost:783'])
  assert.deepEqual(args.tls, { key: 'k.pem', cert: 'c.pem', ca: 'ca.pem', verify: true })
  assert.deepEqual(addresses(serve('-i', 'ssl:127.0.0.1:10783', '-i', '127.0.0.1', ...files)), [
    'tls 127.0.0.1:10783',
    '127.0.0.1:783',
  ])
  assert.deepEqual(addresses(serve('-4', '--ssl-port', '784', ...files)), [
    '127.0.0.1:783',
    'tls 127.0.0.1:784',
  ])
  assert.match(refused('--ssl'), /--server-key/)
})

test('socket files, users, rules, logs', () => {
  const args = serve(
    ...['--socketpath', '/s', '--socketmode', '0600', '--socketowner', 'mail', '--socketgroup', 'exim'],
    ...[
      '-C',
      '/rules',
      '--siteconfigpath',
      '/site',
      '--cf',
      'score A 1',
      '--cf=score B 2',
      '--pre',
      'loadplugin X',
    ],
    ...['--virtual-config-dir=/var/%d/%l', '-g', 'mail', '-s', '/var/log/spamd.log', '-D', 'dns,bayes'],
  )
  assert.deepEqual(args.socket, { mode: 0o600, owner: 'mail', group: 'exim' })
  assert.equal(args.configPath, '/rules')
  assert.equal(args.sitePath, '/site')
  assert.equal(args.cfLines, 'score A 1\nscore B 2\n')
  assert.equal(args.preLines, 'loadplugin X\n')
  assert.deepEqual(args.prefs, { kind: 'pattern', pattern: '/var/%d/%l', create: false })
  assert.equal(args.group, 'mail')
  assert.deepEqual(args.log, { kind: 'file', path: '/var/log/spamd.log' })
  assert.equal(args.debug, 'dns,bayes')
  assert.equal(serve('-D').debug, 'all')
  assert.deepEqual(serve('-s', 'stderr').log, { kind: 'stderr' })
  assert.deepEqual(serve('-s', 'null').log, { kind: 'none' })
  assert.deepEqual(serve('-s', 'local5').log, { kind: 'syslog', facility: 'local5' })
  assert.deepEqual(serve('--syslog=file').log, { kind: 'file', path: 'spamd.log' })
  assert.deepEqual(serve('--syslog-socket=none').log, { kind: 'stderr' })
  assert.match(refused('--socketmode', 'rw'), /octal/)
})

test('what makes no sense in one process is accepted and noted', () => {
  const { notes } = serve(
    '--min-children=2',
    '--max-spare',
    '3',
    '--round-robin',
    '-q',
    '-Q',
    '-P',
    '-v',
    '--timing',
    '-S',
  )
  assert.equal(notes.length, 9)
  assert.ok(notes.every((note) => note.startsWith('spamd option -')))
})

test('beginnings of long names, negation, the end of options', () => {
  assert.equal(serve('--daem').daemonize, true)
  assert.equal(serve('-d', '--nodaemonize').daemonize, false)
  assert.equal(serve('-L', '--no-local').local, false)
  assert.deepEqual(serve('-x', '--user-config').prefs, { kind: 'home', create: false })
  assert.match(refused('--max'), /ambiguous/)
})

test('usage errors, help and version', () => {
  assert.equal(refused('--frobnicate'), 'unknown option: --frobnicate')
  assert.equal(refused('-Z'), 'unknown option: -Z')
  assert.equal(refused('-m', 'many'), "option -m needs a whole number, not 'many'")
  assert.equal(refused('--port'), 'option --port needs a value')
  assert.equal(refused('--local=1'), 'option --local takes no value')
  assert.equal(parseSpamdArgs(['-h']).kind, 'help')
  assert.equal(parseSpamdArgs(['--version']).kind, 'version')
})
