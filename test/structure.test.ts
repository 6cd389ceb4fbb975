// The shape of the code itself (docs/architecture.md, "Who may import whom"): rooms, doors of packages, no cycles, a first comment in
// every file.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, test } from 'node:test'
import { packageRoot } from '../src/root.js'

const folders = ['src', 'server', 'bayes', 'rules', 'bench', 'test']

interface Source {
  readonly path: string
  readonly text: string
  /** Files of ours it imports for more than types. */
  readonly imports: readonly string[]
  readonly packages: readonly string[]
}

const sources: readonly Source[] = folders.flatMap((folder) =>
  readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => read(join(folder, name))),
)
const product = sources.filter(({ path }) => !/^(?:test|bench)\//.test(path))

function read(path: string): Source {
  const text = readFileSync(join(packageRoot, path), 'utf8')
  const imports: string[] = []
  const packages: string[] = []
  const statement = /^(?:import|export)\s+(?!type\s)(?:[^'"()]*?\sfrom\s+)?'([^']+)'/gm
  for (const [words, target] of text.matchAll(statement)) {
    const named = /\{([^}]*)\}/.exec(words)?.[1]
    const typesOnly = named !== undefined && !/\bimport\s+\w/.test(words) && everyIsType(named)
    if (typesOnly) continue
    if (target!.startsWith('.')) imports.push(normalize(join(dirname(path), target!)).replace(/\.js$/, '.ts'))
    else if (!target!.startsWith('node:')) packages.push(packageOf(target!))
  }
  for (const [, target] of text.matchAll(/\brequirePackage<.*>\('([^']+)'\)/g))
    packages.push(packageOf(target!))
  return { path, text, imports, packages }
}

function everyIsType(named: string): boolean {
  const words = named.split(',').map((word) => word.trim())
  return words.filter((word) => word !== '').every((word) => word.startsWith('type '))
}

function packageOf(target: string): string {
  return target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/')
}

test('every file begins with what it is for', () => {
  const bare = sources.filter(({ text }) => !/^(?:#!.*\n)?\/\/ \S|^(?:#!.*\n)?\/\*\*? \S/.test(text))
  assert.deepEqual(
    bare.map(({ path }) => path),
    [],
  )
})

test('nothing is left to do in the text', () => {
  const open = new RegExp(
    `\\b(?:${['TO', 'FIX'].map((word) => word + (word === 'TO' ? 'DO' : 'ME')).join('|')})\\b`,
  )
  const left = sources.filter(({ text }) => open.test(text))
  assert.deepEqual(
    left.map(({ path }) => path),
    [],
  )
})

test('no file imports itself through others', () => {
  const byPath = new Map(sources.map((source) => [source.path, source]))
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (path: string, way: readonly string[]): void => {
    const at = way.indexOf(path)
    if (at >= 0) return void cycles.push([...way.slice(at), path].join(' -> '))
    if (done.has(path)) return
    for (const next of byPath.get(path)?.imports ?? []) visit(next, [...way, path])
    done.add(path)
  }
  for (const { path } of sources) visit(path, [])
  assert.deepEqual(cycles, [])
})

/** Package -> the only places of the product that may load it. */
const doors: Readonly<Record<string, RegExp>> = {
  'better-sqlite3': /^(?:bayes\/store|src\/history|src\/checks\/reputationstore|src\/damaged-file)/,
  clamscan: /^src\/net\/clamd\.ts$/,
  commander: /^src\/cli\//,
  fastify: /^server\/(?:controller|rspamd)\//,
  fzstd: /^server\//,
  mailauth: /^src\/facts\//,
  '@zone-eu/mailsplit': /^src\/message\//,
  mailparser: /^src\/message\//,
  'mmdb-lib': /^src\/checks\//,
  natural: /^bayes\//,
  pino: /^src\/log\.ts$/,
  'smol-toml': /^src\/config\//,
  // The organizational domain of DMARC is by the public suffix list whatever lists the rules bring.
  tldts: /^src\/views\/publicsuffix\.ts$/,
}

describe('doors', () => {
  for (const [name, door] of Object.entries(doors))
    test(name, () => {
      const wrong = product.filter(({ path, packages }) => packages.includes(name) && !door.test(path))
      assert.deepEqual(
        wrong.map(({ path }) => path),
        [],
      )
    })
})

/** Room -> what it must not know. */
const walls: readonly (readonly [string, RegExp, RegExp])[] = [
  ['nothing of the product knows its tests or benches', /./, /^(?:test|bench)\//],
  ['only commands start servers', /^(?!server\/|src\/cli\/)/, /^server\//],
  ['the core knows no commands', /^(?!src\/cli\/)/, /^src\/cli\//],
  ['shared types know nobody', /^src\/types\.ts$/, /./],
  ['limits know nobody', /^src\/limits\.ts$/, /./],
  [
    'a message knows no rules, views, network',
    /^src\/message\//,
    /^(?:rules|bayes|server)\/|^src\/(?:views|checks|facts|net)\//,
  ],
  [
    'views know no rules that run, facts, network',
    /^src\/views\//,
    /^(?:bayes|server)\/|^src\/(?:checks|facts|net)\//,
  ],
  [
    'the engine knows no fronts, network, learner',
    /^rules\//,
    /^(?:bayes|server)\/|^src\/(?:facts|net|pool|cli)\//,
  ],
  [
    'the learner knows no rules, network, fronts',
    /^bayes\//,
    /^(?:rules|server)\/|^src\/(?:checks|facts|net|pool|cli)\//,
  ],
  ['spamd does not know rspamd', /^server\/spamd\//, /^server\/(?:rspamd|controller)\//],
  ['rspamd does not know spamd', /^server\/(?:rspamd|controller)\//, /^server\/spamd\//],
]

describe('rooms', () => {
  for (const [name, room, unknown] of walls)
    test(name, () => {
      const wrong = product
        .filter(({ path }) => room.test(path))
        .flatMap(({ path, imports }) =>
          imports.filter((next) => unknown.test(next)).map((next) => `${path} -> ${next}`),
        )
      assert.deepEqual(wrong, [])
    })
})
