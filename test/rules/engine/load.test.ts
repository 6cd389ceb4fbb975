// Which files are read in which order, and which plugins are there.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadPlan } from '../../../rules/engine/load.js'
import { setting } from '../../../rules/engine/settings.js'
import { plugins } from '../../../src/checks/index.js'
import { directives, planOf } from '../../support/rules.js'

function withFolder(files: Readonly<Record<string, string>>, use: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-load-'))
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(folder, name, '..'), { recursive: true })
      writeFileSync(join(folder, name), text)
    }
    use(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const load = (...sources: string[]) => loadPlan({ sources, plugins, directives, local: true })

test('all .pre files of all folders come before any .cf, later folders override earlier ones', () => {
  const files = {
    'a/10.cf': 'ifplugin Mail::SpamAssassin::Plugin::TextCat\nbody LATE /x/\nendif\nbody A /x/\nscore A 1\n',
    'a/20.CF': 'score A 2\n',
    'b/init.pre': 'loadplugin Mail::SpamAssassin::Plugin::TextCat\n',
    'b/local.cf': 'score A 3\n',
    'b/notes.txt': 'body TXT /x/\n',
  }
  withFolder(files, (folder) => {
    const plan = load(join(folder, 'a'), join(folder, 'b'))
    assert.deepEqual(
      plan.rules.map((rule) => [rule.name, rule.scores[0]]),
      [
        ['LATE', 1],
        ['A', 3],
      ],
    )
    assert.ok(!plan.plugins.includes('FreeMail'), 'a .pre file decides which plugins there are')
    assert.equal(plan.rules[0]!.place.file, join(folder, 'a', '10.cf'))
    assert.equal(plan.rules[0]!.place.line, 2)
  })
})

test("without any .pre file Debian's plugins are there", () => {
  const plan = planOf('')
  for (const name of ['FreeMail', 'DKIM', 'MIMEHeader', 'ReplaceTags'])
    assert.ok(plan.plugins.includes(name), name)
  assert.ok(!plan.plugins.includes('Shortcircuit'))
})

test('a path that cannot be read is a problem, not an error', () => {
  assert.deepEqual(
    load('/does/not/exist.cf').problems.map((problem) => problem.kind),
    ['unreadable'],
  )
})

test('a file that includes itself ends', () => {
  withFolder({ 'loop.cf': 'include loop.cf\nbody A /x/\n' }, (folder) => {
    const plan = load(join(folder, 'loop.cf'))
    assert.deepEqual(
      plan.rules.map((rule) => rule.name),
      ['A'],
    )
    assert.equal(plan.problems[0]!.kind, 'bad-include')
  })
})

test('the hash follows what was read', () => {
  const hash = (text: string) => planOf(text).hash
  assert.equal(hash('body A /x/\n'), hash('body A /x/\n'))
  assert.notEqual(hash('body A /x/\n'), hash('body A /y/\n'))
})

test('settings have their initial values, old spellings work', () => {
  const plan = planOf('required-hits 7.5\nreport_safe 0\nrewrite_header subject ***\n')
  assert.equal(setting(plan.settings, 'required_score'), 7.5)
  assert.equal(setting(plan.settings, 'use_bayes'), true)
  assert.deepEqual(
    [...setting<ReadonlyMap<string, string>>(plan.settings, 'rewrite_header')],
    [['Subject', '***']],
  )
  const headers = setting<{ spam: [string, string][] }>(plan.settings, 'add_header')
  assert.deepEqual(
    headers.spam.map(([name]) => name),
    ['Checker-Version', 'Report'],
  )
})

test('random text never throws', () => {
  let seed = 7
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff
    return seed % below
  }
  const words = [
    'if',
    'endif',
    'else',
    'body',
    'A',
    '/a(/',
    '(',
    '||',
    'meta',
    'score',
    '-1',
    'lang',
    'ifplugin',
    '#',
    '\\',
    'header',
    'X',
    '=~',
    '/[/',
    'replace_rules',
    'replace_tag',
    '<A>',
    'tflags',
    'multiple',
    'include',
    '\0',
    '\xff',
    'eval:f(',
    "'x')",
  ]
  for (let turn = 0; turn < 300; turn++) {
    let text = ''
    for (let count = random(60); count > 0; count--)
      text += words[random(words.length)] + (random(4) === 0 ? '\n' : ' ')
    planOf(text)
  }
})
