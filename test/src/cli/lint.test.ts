// `hamd lint` by its command line: each problem with file, line and kind, hints by request, the exit status.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { hamd } from '../../support/command.js'

describe('hamd lint', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-lint-'))
  const file = join(folder, 'test.cf')
  after(() => rmSync(folder, { recursive: true, force: true }))

  async function lint(rules: string, ...args: string[]) {
    writeFileSync(file, rules)
    const { status, stdout } = await hamd(['lint', '--no-builtin-rules', '--rules', file, ...args])
    return {
      status,
      lines: stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.replace(`${file}:`, '')),
    }
  }

  const rules = [
    'body FINE /fine/',
    'no_such_word 1',
    'header ODD eval:nobody_brings_this()',
    'body BROKEN /(x/',
    'body SLOW /^(x?)(a+)+\\1$/',
    'body BACK /(?:(x)|y)\\1/',
    'body __UNUSED /x/',
    'score NOBODY 1',
    'meta FAR NOBODY_EITHER',
  ].join('\n')

  test('problems with file and line, 1', async () => {
    const { status, lines } = await lint(rules)
    assert.equal(status, 1)
    assert.deepEqual(
      lines.map((line) => /^(\d+: \w+): .* (\[[\w-]+\])$/.exec(line)?.slice(1).join(' ')),
      [
        '2: error [unknown-directive]',
        '3: error [unknown-eval]',
        '4: error [bad-regex]',
        '5: warning [backtracking]',
      ],
    )
    assert.match(lines[0]!, /no_such_word/)
    assert.match(lines[1]!, /nobody_brings_this/)
    assert.match(lines[3]!, /SLOW backtracks exponentially on "a" x 2000 \+ /)
  })

  test('--hints adds advice', async () => {
    const { status, lines } = await lint(rules, '--hints')
    assert.equal(status, 1)
    const hints = lines
      .filter((line) => line.includes(': hint: '))
      .map((line) => line.replace(/^(\d+).*\[(.*)\]$/, '$1 $2'))
    assert.deepEqual(hints, [
      '6 optional-reference',
      '7 unused-subtest',
      '8 score-without-rule',
      '9 unknown-name',
    ])
    assert.equal((await lint('body __UNUSED /x/\n', '--hints')).status, 0)
  })

  test('nothing to say is 0', async () => {
    assert.deepEqual(await lint('body FINE /fine/\n'), { status: 0, lines: [] })
  })

  test('our own rules are clean; a path that is not there is a usage error', async () => {
    const own = await hamd(['lint'])
    assert.equal(own.status, 0, own.stdout)
    assert.equal((await hamd(['lint', '--rules', join(folder, 'nothing')])).status, 64)
  })

  test('a wrong configuration is told with its line, 78', async () => {
    const config = join(folder, 'hamd.toml')
    writeFileSync(config, '[limits]\nmessage_size = 3\n')
    const { status, stderr } = await hamd(['lint', '--config', config])
    assert.equal(status, 78)
    assert.match(stderr, /hamd\.toml:2: unknown key message_size in \[limits\]/)
  })
})
