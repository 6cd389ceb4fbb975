// hamd.toml: every wrong word is named with file and line; nothing is quietly ignored.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConfigError, defaultConfig, parseConfig } from '../../../src/config/file.js'
import { schema } from '../../../src/config/schema.js'

function problemsOf(text: string): string[] {
  try {
    parseConfig(text, 'hamd.toml')
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.message.split('\n')
  }
  return []
}

test('an empty file gives the defaults', () => {
  assert.deepEqual(parseConfig('', 'hamd.toml'), defaultConfig())
})

test('what is given replaces the default of that key only', () => {
  const config = parseConfig('[actions]\nreject = 20\n[rules]\npaths = "/etc/rules"\n', 'hamd.toml')
  assert.equal(config.actions.reject, 20)
  assert.equal(config.actions.greylist, 4)
  assert.deepEqual(config.rules.paths, ['/etc/rules'])
})

test('all problems are told at once, each with its line', () => {
  const problems = problemsOf('[listen]\nscann = "x"\n\n[actions]\nreject = "high"\n[nowhere]\na = 1\n')
  assert.equal(problems.length, 3)
  assert.match(problems[0]!, /^hamd\.toml:2: unknown key scann in \[listen\]; known: scan, /)
  assert.match(problems[1]!, /^hamd\.toml:5: actions\.reject must be a number/)
  assert.match(problems[2]!, /^hamd\.toml:6: unknown section \[nowhere\]/)
})

test('a file that is no TOML is refused with its line', () => {
  assert.match(problemsOf('[listen]\nscan = [\n')[0]!, /^hamd\.toml:\d+: not TOML: /)
})

describe('refused', () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['words that every object has', '[data]\ntoString = 1\n', /:2: unknown key toString/],
    ['sections that every object has', '[constructor]\nname = "x"\n', /:1: unknown section \[constructor\]/],
    ['__proto__', '[__proto__]\ndir = "x"\n', /unknown section/],
    ['a key where a section stands', 'listen = 3\n', /listen is a section/],
    ['numbers that are none', '[actions]\nreject = nan\n', /must be a number/],
    ['infinity', '[actions]\nreject = inf\n', /must be a number/],
    ['less than the bound', '[network]\nlookup_ms = 0\n', /must be at least 100/],
    ['more than the bound', '[workers]\ncount = 1000\n', /must be at most 256/],
    ['unknown words of a choice', '[clamd]\nunchecked = "ignore"\n', /one of accept, tempfail, reject/],
    ['truth in quotes', '[network]\nlocal = "yes"\n', /must be true or false/],
    ['a mode that is not octal', '[listen]\nsocket_mode = "rw-rw----"\n', /octal mode/],
    [
      'half of TLS: it would be no TLS',
      '[listen]\ntls_key = "k.pem"\n',
      /:2: listen\.tls_key needs the other/,
    ],
    ['preferences without a folder', '[users]\nprefs = "dir"\n', /:2: users\.prefs needs users\.prefs_dir/],
    ['addresses that are none', '[listen]\nscan = ["783"]\n', /:2: listen\.scan 783 is no address/],
    ['an address of clamd that is none', '[clamd]\naddress = "local"\n', /:2: clamd\.address local is no/],
  ]
  for (const [name, text, expected] of cases)
    test(name, () => assert.match(problemsOf(text).join('\n'), expected))
})

test('every default passes its own check', () => {
  for (const [section, keys] of Object.entries(schema)) {
    const lines = Object.entries(keys)
      .filter(([, key]) => key.default !== null)
      .map(([name, key]) => `${name} = ${JSON.stringify(key.default)}`)
    assert.deepEqual(problemsOf(`[${section}]\n${lines.join('\n')}\n`), [])
  }
})

test('every key says what it is for', () => {
  for (const keys of Object.values(schema))
    for (const [name, key] of Object.entries(keys)) assert.ok(key.about.length > 10, name)
})
