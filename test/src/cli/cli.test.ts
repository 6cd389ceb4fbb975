// The program from its command line: exit codes, what goes to standard output and what does not, help with an example everywhere.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { hamd } from '../../support/command.js'

const folder = mkdtempSync(join(tmpdir(), 'hamd-cli-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const gtube = ['XJS*C4JDBQADN1.NSBN3*2IDNEN*', 'GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL', '*C.34X'].join('')
const mail = (body: string) =>
  `From: Alice <alice@example.org>\nTo: bob@example.net\nSubject: Minutes\nMessage-ID: <1@example.org>\nDate: Tue, 14 Jul 2026 10:00:00 +0000\n\n${body}\n`
const ham = file('ham.eml', mail('Hello Bob, here are the minutes.'))
const spam = file('spam.eml', mail(gtube))
const rules = file('small.cf', 'body APPLES /apples/\nscore APPLES 9\nbody __PEARS /pears/\n')
const local = ['--local', '--data', join(folder, 'data')]
const small = ['--no-builtin-rules', '--rules', rules, ...local]

describe('hamd scan', () => {
  test('ham is 0, spam is 1', async () => {
    assert.equal((await hamd(['scan', ...local, ham])).status, 0)
    const { status, stdout, stderr } = await hamd(['scan', ...local, spam])
    assert.equal(status, 1)
    assert.match(stdout, /spam\.eml: 100\d\.\d\/5\.0 reject .*GTUBE/)
    assert.equal(stderr, '')
  })
  test('--json is one line with what CONTRACT.md promises', async () => {
    const { status, stdout, stderr } = await hamd(['scan', '--json', ...small], {
      input: mail('apples, pears'),
    })
    assert.equal(status, 1)
    assert.equal(stderr, '')
    assert.match(stdout, /^[^\n]+\n$/)
    const { time_ms: took, ...line } = JSON.parse(stdout)
    assert.equal(typeof took, 'number')
    assert.deepEqual(line, {
      file: '-',
      score: 9,
      required_score: 5,
      is_spam: true,
      action: 'add header',
      symbols: { APPLES: { score: 9, description: line.symbols.APPLES.description, options: [] } },
      subtests: ['__PEARS'],
      notes: [],
    })
  })
  test('a directory: one line a message in order of names, and 0 whatever they are', async () => {
    const dir = join(folder, 'mails')
    mkdirSync(join(dir, 'sub'), { recursive: true })
    writeFileSync(join(dir, 'b'), mail('apples'))
    writeFileSync(join(dir, 'a'), mail('nothing'))
    writeFileSync(join(dir, 'sub', 'c'), mail('pears'))
    const { status, stdout } = await hamd(['scan', '--json', ...small, dir])
    assert.equal(status, 0)
    const files = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).file)
    assert.deepEqual(files, [join(dir, 'a'), join(dir, 'b'), join(dir, 'sub', 'c')])
  })
  test('--message keeps every byte of the mail below its own lines', async () => {
    const { stdout } = await hamd(['scan', '--message', ...local, ham])
    assert.ok(stdout.endsWith(mail('Hello Bob, here are the minutes.').split('\n\n')[1]!))
    assert.match(stdout, /^X-Spam-/m)
  })
  test('what is not there is a usage error in one line', async () => {
    const { status, stdout, stderr } = await hamd(['scan', ...local, join(folder, 'nobody')])
    assert.equal(status, 64)
    assert.equal(stdout, '')
    assert.match(stderr, /^hamd: .*nobody: no such file or directory\n$/)
  })
})

describe('refusals', () => {
  const cases: readonly (readonly [string, readonly string[], number, RegExp])[] = [
    ['an unknown command', ['frobnicate'], 64, /unknown command 'frobnicate'/],
    ['an unknown option', ['scan', '--frob'], 64, /unknown option '--frob'/],
    ['a number that is none', ['serve', '--workers', 'many'], 64, /whole number/],
    ['more workers than anybody means', ['serve', '--workers', '100000'], 64, /at most 256/],
    ['a level that is none', ['serve', '--log-level', 'loud'], 64, /Allowed choices/],
    ['an address that is none', ['serve', ...local, '--scan', '783'], 64, /783 is no address/],
    ['a clamd that is none', ['serve', ...local, '--clamd', 'here'], 64, /here/],
    ['no configuration file', ['scan', '--config', join(folder, 'none.toml')], 78, /none\.toml/],
  ]
  for (const [name, args, expected, words] of cases)
    test(name, async () => {
      const { status, stdout, stderr } = await hamd(args)
      assert.deepEqual([status, stdout], [expected, ''])
      assert.match(stderr, words)
      assert.match(stderr, /^hamd: [^\n]+\n$/)
    })
  test('a wrong configuration: every problem with file and line', async () => {
    const config = file('wrong.toml', '[listen]\nscann = "x"\n[actions]\nreject = "high"\n')
    const { status, stderr } = await hamd(['lint', '--config', config])
    assert.equal(status, 78)
    assert.match(stderr, /wrong\.toml:2: .*\n.*wrong\.toml:4: /)
  })
  test('an address that is taken ends the start with 69', async () => {
    const { status, stderr } = await hamd([
      ...['serve', ...small, '--workers', '0', '--log-level', 'error'],
      ...['--scan', '192.0.2.1:1', '--controller', '127.0.0.1:0'],
    ])
    assert.equal(status, 69)
    assert.match(stderr, /192\.0\.2\.1:1 could not be bound/)
  })
})

describe('hamd lint', () => {
  test('rules without problems: 0', async () => {
    const { status, stdout } = await hamd(['lint', '--no-builtin-rules', '--rules', rules])
    assert.deepEqual([status, stdout], [0, ''])
  })
  test('our own rules have none', async () => {
    const { stdout } = await hamd(['lint'])
    assert.equal(stdout.replace(/^note: .*\n/gm, ''), '')
  })
  test('a rule that cannot be compiled: file:line: what, and 1', async () => {
    const broken = file('broken.cf', 'score X 1\nbody BROKEN /a(/\n')
    const { status, stdout } = await hamd(['lint', '--no-builtin-rules', '--rules', broken])
    assert.equal(status, 1)
    assert.match(stdout, /broken\.cf:2: /)
  })
})

test('hamd password makes a new hash each time and keeps the password to itself', async () => {
  const [first, second] = await Promise.all([
    hamd(['password'], { input: 'secret\n' }),
    hamd(['password'], { input: 'secret\n' }),
  ])
  assert.equal(first.status, 0)
  assert.notEqual(first.stdout, second.stdout)
  assert.doesNotMatch(first.stdout + first.stderr, /secret/)
})

describe('help', () => {
  const commands = 'serve scan learn backup restore ledger lint password evaluate'.split(' ')
  for (const command of commands)
    test(`${command}: usage and an example on standard output, and the version`, async () => {
      const { status, stdout, stderr } = await hamd([command, '--help'])
      assert.deepEqual([status, stderr], [0, ''])
      assert.match(stdout, new RegExp(`^Usage: hamd ${command} `))
      assert.match(stdout, new RegExp(`Example:\\n.*hamd ${command}`))
      const version = await hamd([command, '--version'])
      assert.equal(version.status, 0)
      assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/)
    })
  test('hamd alone shows what there is, as an error', async () => {
    const { status, stdout, stderr } = await hamd([])
    assert.deepEqual([status, stdout], [64, ''])
    for (const command of commands) assert.match(stderr, new RegExp(`^  ${command} `, 'm'))
  })
})
