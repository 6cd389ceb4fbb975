// `hamd spamassassin` and `hamd sa-learn` beside the real programs on the same input with the same rules: output, exit status, marks.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { hamd } from '../../support/command.js'
import { needs, runBeside } from '../../support/peers.js'

const spam =
  'From: Offers <a@shop.example>\nTo: b@example.net\nSubject: fruit\nMessage-ID: <1@shop.example>\n\nan orange, write to c@example.com\n'
const ham =
  'From: Alice <alice@example.org>\nTo: b@example.net\nSubject: minutes\nMessage-ID: <2@example.org>\n\nthe minutes are ready\n'
const rules = `
body ORANGE /orange/
score ORANGE 7.5
describe ORANGE Speaks of fruit
body MINUTES /minutes/
score MINUTES -1
describe MINUTES Speaks of minutes
report Report _YESNO_ _SCORE_/_REQD_ _TESTSSCORES_
clear_headers
add_header all Status _YESNO_, score=_SCORE_ required=_REQD_ tests=_TESTS_
report_safe 0
use_bayes 0
dns_available no
`

describe('assassins', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-assassins-'))
  const config = join(folder, 'config')
  const site = join(folder, 'site')
  const places = ['-C', config, '--siteconfigpath', site]
  const env = { HOME: folder, STATE_DIRECTORY: join(folder, 'data') }

  before(() => {
    mkdirSync(config)
    mkdirSync(site)
    writeFileSync(join(config, 'rules.cf'), rules)
    writeFileSync(join(site, 'init.pre'), 'loadplugin Mail::SpamAssassin::Plugin::Check\n')
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  const mine = (program: string, args: readonly string[], input = '') =>
    hamd([program, ...(program === 'spamassassin' ? [...places, ...args] : args)], { input, env })

  const theirs = (program: string, args: readonly string[], input: string) =>
    runBeside(program, [...places, ...args], input, env)

  const beside: [string, string[], string][] = [
    ['marks spam, and -e says so by its exit status', ['-L', '-x', '-e'], spam],
    ['marks ham, and -e says so by its exit status', ['-L', '-x', '-e'], ham],
    ['-t adds the report to any mail', ['-L', '-x', '-t'], ham],
    ['--cf adds lines', ['-L', '-x', '--cf', 'score ORANGE 1.25'], spam],
    [
      '-d takes the marks off',
      ['-d'],
      `X-Spam-Status: Yes, score=9\nX-Spam-Checker-Version: SpamAssassin\n${spam}`,
    ],
  ]
  for (const [name, args, input] of beside)
    test(`spamassassin ${name}`, needs('spamassassin'), async () => {
      const [ours, real] = await Promise.all([
        mine('spamassassin', args, input),
        theirs('spamassassin', args, input),
      ])
      assert.deepEqual([ours.status, ours.stdout], [real.status, real.stdout])
    })

  test('spamassassin --lint: silent when all is well, else what and 1', async () => {
    assert.deepEqual(await mine('spamassassin', ['-L', '--lint']), { status: 0, stdout: '', stderr: '' })
    const bad = await mine('spamassassin', ['-L', '--cf', 'nonsense 1', '--lint'])
    assert.equal(bad.status, 1)
    assert.match(
      bad.stderr,
      /^warn: config: failed to parse line: nonsense 1[^\n]*\nwarn: lint: 1 issues detected/,
    )
  })

  test('preferences of the user are read, those of -p instead', async () => {
    mkdirSync(join(folder, '.spamassassin'), { recursive: true })
    writeFileSync(join(folder, '.spamassassin', 'user_prefs'), 'required_score 9\n')
    assert.match(
      (await mine('spamassassin', ['-L'], spam)).stdout,
      /^X-Spam-Status: No, score=7\.5 required=9\.0/m,
    )
    const own = join(folder, 'own_prefs')
    writeFileSync(own, 'required_score 3\n')
    assert.match((await mine('spamassassin', ['-L', '-p', own], spam)).stdout, /required=3\.0/)
    rmSync(join(folder, '.spamassassin'), { recursive: true })
  })

  test('-W, -R and their kin list addresses by hand', async () => {
    const awl = ['-L', '--pre', 'loadplugin Mail::SpamAssassin::Plugin::AWL']
    const listed = await mine('spamassassin', [...awl, '-W'], spam)
    assert.equal(
      listed.stdout,
      ['b@example.net', 'a@shop.example', 'c@example.com']
        .map((address) => `SpamAssassin auto-welcomelist: adding address to welcomelist: ${address}\n`)
        .join('') + '1 message(s) examined.\n',
    )
    const scored = [
      '--cf',
      'header AWL eval:check_from_in_auto_welcomelist()',
      '--cf',
      'use_auto_welcomelist 1',
    ]
    const filtered = await mine('spamassassin', [...awl, ...scored], spam)
    assert.match(filtered.stdout, /^X-Spam-Status: No, score=-46\.\d[^\n]*AWL/m)
    const removed = await mine('spamassassin', [...awl, '--remove-addr-from-welcomelist=a@shop.example'])
    assert.equal(removed.stdout, 'SpamAssassin auto-welcomelist: removing address: a@shop.example\n')
    assert.equal((await mine('spamassassin', ['-L', '-W'], spam)).stdout, '1 message(s) examined.\n')
  })

  test('sa-learn learns, counts, forgets; --dump magic tells', async () => {
    const box = join(folder, 'two.mbox')
    const line = 'From someone Tue Jul 14 10:00:00 2026\n'
    writeFileSync(box, `${line}${spam}\n${line}${spam.replace('<1@', '<3@')}\n`)
    const said = async (...args: string[]) => {
      const { status, stdout } = await mine('sa-learn', args)
      return [status, stdout]
    }
    assert.deepEqual(await said('--spam', '--mbox', box), [
      0,
      'Learned tokens from 2 message(s) (2 message(s) examined)\n',
    ])
    assert.deepEqual(await said('--spam', '--mbox', box), [
      0,
      'Learned tokens from 0 message(s) (2 message(s) examined)\n',
    ])
    const list = join(folder, 'list')
    writeFileSync(list, `${box}\n`)
    assert.deepEqual(await said('--forget', '-f', list), [
      0,
      'Forgot tokens from 2 message(s) (2 message(s) examined)\n',
    ])
    assert.deepEqual(await said('--spam', '--max-size', '20', '--mbox', box), [
      1,
      'Learned tokens from 0 message(s) (0 message(s) examined)\n',
    ])
    assert.deepEqual(await said('--ham', join(folder, 'nothing')), [
      1,
      'Learned tokens from 0 message(s) (0 message(s) examined)\n',
    ])
    const marked = (await mine('spamassassin', ['-L'], ham)).stdout
    assert.match((await mine('sa-learn', ['--ham'], marked)).stdout, /^Learned tokens from 1 /)
    assert.match((await mine('sa-learn', ['--ham'], ham)).stdout, /^Learned tokens from 0 /)
    assert.match(String((await said('--dump', 'magic'))[1]), /^0\.000 +0 +1 +0 {2}non-token data: nham$/m)
  })

  test('sa-learn --restore takes over a dump of the real --backup', needs('sa-learn'), async () => {
    const cf = [
      '--cf',
      'use_bayes 1',
      '--cf',
      `bayes_path ${folder}/bayes`,
      '--cf',
      'loadplugin Mail::SpamAssassin::Plugin::Bayes',
    ]
    await theirs('sa-learn', [...cf, '--spam'], spam)
    await theirs('sa-learn', [...cf, '--ham'], ham)
    const { stdout } = await theirs('sa-learn', [...cf, '--backup'], '')
    assert.match(stdout, /^v\t3\tdb_version/)
    assert.match(stdout, /^v\t1\tnum_spam\nv\t1\tnum_nonspam$/m)
    const file = join(folder, 'dump')
    writeFileSync(file, stdout, 'latin1')
    assert.deepEqual(await mine('sa-learn', ['--restore', file]), { status: 0, stdout: '', stderr: '' })
    assert.equal((await mine('sa-learn', ['--restore', '-'], readFileSync(file, 'latin1'))).status, 0)
    writeFileSync(file, 'no dump\n')
    assert.equal((await mine('sa-learn', ['--restore', file])).status, 64)
  })

  test('-D takes areas and names what has no effect', async () => {
    const { status, stdout, stderr } = await mine('sa-learn', ['-D', 'bayes', '--ham', '--no-sync'], spam)
    assert.deepEqual([status, stdout], [0, 'Learned tokens from 1 message(s) (1 message(s) examined)\n'])
    assert.equal(stderr, 'dbg: option --no-sync has no effect: hamd keeps one store of its own\n')
  })

  test('usage errors end with 64 and one line', async () => {
    for (const [program, args] of [
      ['spamassassin', ['--nonsense']],
      ['sa-learn', ['--nonsense']],
      ['sa-learn', []],
      ['sa-learn', ['--backup']],
      ['sa-learn', ['--spam', '--max-size', 'much']],
    ] as const) {
      const { status, stdout, stderr } = await mine(program, args)
      assert.deepEqual([status, stdout], [64, ''], `${program} ${args.join(' ')}`)
      assert.notEqual(stderr, '')
    }
    assert.match((await mine('sa-learn', ['--help'])).stdout, /^Usage: hamd sa-learn/)
    assert.match((await mine('spamassassin', ['--version'])).stdout, /^SpamAssassin version 4\.0\.1\n/)
  })
})
