// AuthRes: what servers of our own wrote into Authentication-Results (RFC 8601), as input for rules. Only fields added inside the
// networks an admin names count: anybody can write such a field.

import { setting } from '../../rules/engine/settings.js'
import type { Directive, Plugin, Settings } from '../../rules/engine/types.js'
import { once } from './once.js'
import { header, lower, words } from './text.js'

const networksDirective: Directive = {
  name: 'authres_networks',
  scope: 'admin',
  initial: 'internal',
  read(line, value, context) {
    const word = lower(line.value)
    if (/^(?:internal|trusted|all)$/.test(word)) return word
    context.problem('invalid-value', 'authres_networks is internal, trusted or all')
    return value
  },
}

function serverSet(name: string): Directive {
  return {
    name,
    scope: 'admin',
    initial: new Set<string>(),
    read: (line, value) => new Set([...(value as ReadonlySet<string>), ...words(lower(line.value))]),
  }
}

const common = 'fail none pass permerror temperror'
/** Results that each method may have; a field with another one is not believed at all. */
const methodResults: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries({
    arc: 'fail none pass',
    auth: common,
    dkim: `${common} neutral policy`,
    'dkim-adsp': `${common} discard nxdomain unknown`,
    'dkim-atps': `${common} neutral`,
    dmarc: `${common} bestguesspass`,
    dnswl: 'none pass permerror temperror',
    domainkeys: `${common} neutral policy`,
    iprev: 'fail pass permerror temperror',
    rrvs: `${common} unknown`,
    'sender-id': `${common} hardfail neutral policy softfail`,
    smime: `${common} neutral policy`,
    spf: `${common} hardfail neutral policy softfail`,
    vbr: common,
  }).map(([method, results]) => [method, new Set(results.split(' '))]),
)

/** Properties that each method may give, 'type.name'; `*` = any name. */
const methodProperties: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries({
    arc: 'smtp.remote-ip header.oldest-pass arc.chain',
    auth: 'smtp.auth smtp.mailfrom',
    dkim: 'header.d header.i header.b header.a header.s',
    'dkim-adsp': 'header.from',
    'dkim-atps': 'header.from',
    dmarc: 'header.from policy.dmarc',
    dnswl: 'dns.zone dns.sec policy.ip policy.txt',
    domainkeys: 'header.d header.from header.sender',
    iprev: 'policy.iprev',
    rrvs: 'smtp.rcptto',
    'sender-id': 'header.*',
    smime: 'body.smime-part body.smime-identifer body.smime-serial body.smime-issuer',
    spf: 'smtp.mailfrom smtp.mfrom smtp.helo smtp.rcpttodomain',
    vbr: 'header.md header.mv',
  }).map(([method, properties]) => [method, new Set(properties.split(' '))]),
)

/** A field that does not follow the grammar; it is left out as a whole. */
class Malformed extends Error {}

/** Reads a field from left to right. */
class Reader {
  private at = 0

  constructor(private readonly text: string) {}

  get done(): boolean {
    return this.at >= this.text.length
  }

  /** The match of a sticky pattern here, undefined when it does not fit. */
  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text)
    if (!found) return undefined
    this.at = pattern.lastIndex
    return found
  }

  need(pattern: RegExp): RegExpExecArray {
    const found = this.take(pattern)
    if (!found) throw new Malformed()
    return found
  }

  /** White space, and one comment with what is nested in it. */
  skip(): void {
    this.take(/[\t-\r ]*/y)
    if (!this.take(/\(/y)) return
    for (let depth = 1; depth > 0; ) depth += this.need(/[^()]*([()])/y)[1] === ')' ? -1 : 1
    this.take(/[\t-\r ]*/y)
  }

  needThenSkip(pattern: RegExp): RegExpExecArray {
    const found = this.need(pattern)
    this.skip()
    return found
  }
}

const token = /[^\t-\r \x00-\x1f\x80-\xff()<>@,;:/[\]?="]+/y
const atom = "[a-zA-Z0-9@!#$%&\\\\'*+\\-/=?^_`{|}~]+"
const quoted = '"(?:[^"\\\\]|\\\\[^\\n])*"?'
const propertyValue = new RegExp(
  `${quoted}|(?:${atom}(?:\\.${atom})*|[^\\t-\\r \\x00-\\x1f\\x80-\\xff()<>@,;:/[\\]?="]+)(?=[\\t-\\r ;]|$)`,
  'y',
)
const reasonValue = new RegExp(`${quoted}|[^\\t-\\r \\x00-\\x1f\\x80-\\xff()<>@,;:/[\\]?="]+`, 'y')

interface Trust {
  readonly trusted: ReadonlySet<string>
  readonly ignored: ReadonlySet<string>
}

/** Methods with their results, in order. */
function parseField(name: string, text: string, { trusted, ignored }: Trust): [string, string][] {
  const reader = new Reader(text)
  if (/^arc-/i.test(name)) readArcIndex(reader)
  const server = lower(reader.need(token)[0])
  if (reader.take(/=/y)) throw new Malformed()
  if ((trusted.size > 0 && !trusted.has(server)) || ignored.has(server)) throw new Malformed()
  reader.skip()
  if (reader.take(/\d+/y)) reader.skip()
  reader.needThenSkip(/;/y)
  const results: [string, string][] = []
  while (!reader.done) {
    // Some servers repeat their name before every method.
    const repeated = new RegExp(`${server.replace(/[^a-z0-9]/g, '\\$&')}[\\t-\\r ]*;`, 'y')
    if (reader.take(repeated)) reader.skip()
    results.push(readMethod(reader))
  }
  return results
}

function readArcIndex(reader: Reader): void {
  reader.needThenSkip(/i\b/y)
  reader.needThenSkip(/=/y)
  const index = Number(reader.needThenSkip(/\d+/y)[0])
  if (index < 1 || index > 50) throw new Malformed()
  reader.needThenSkip(/;/y)
}

function readMethod(reader: Reader): [string, string] {
  if (reader.take(/none\b/iy)) throw new Malformed()
  const method = lower(reader.needThenSkip(/[\w-]+/y)[0])
  if (reader.take(/\//y)) {
    reader.skip()
    reader.needThenSkip(/\d+/y)
  }
  reader.needThenSkip(/=/y)
  const result = reader.needThenSkip(/\w+/y)[0]
  if (!methodResults.get(method)?.has(result)) throw new Malformed()
  for (const word of [/reason\b/iy, /action\b/iy]) {
    if (!reader.take(word)) continue
    reader.skip()
    reader.needThenSkip(/=/y)
    reader.needThenSkip(reasonValue)
  }
  while (!reader.done) {
    if (takeEnd(reader)) break
    readProperty(reader, methodProperties.get(method)!)
    if (takeEnd(reader)) break
  }
  return [method, result]
}

function takeEnd(reader: Reader): boolean {
  if (!reader.take(/;|$/y)) return false
  reader.skip()
  return true
}

function readProperty(reader: Reader, known: ReadonlySet<string>): void {
  const type = lower(reader.needThenSkip(/[\w-]+/y)[0])
  reader.needThenSkip(/\./y)
  const name = lower(reader.needThenSkip(/[\w-]+/y)[0])
  if (!known.has(`${type}.${name}`) && !known.has(`${type}.*`)) throw new Malformed()
  reader.needThenSkip(/=/y)
  reader.needThenSkip(propertyValue)
}

/** Method -> result; a pass wins over what other fields say, else the first one counts. */
const results = once((scan, settings: Settings): ReadonlyMap<string, string> => {
  const networks = setting<string>(settings, 'authres_networks')
  const fields = header(scan, networks === 'all' ? 'ALL' : `ALL-${networks.toUpperCase()}`)
  const trust = {
    trusted: setting<ReadonlySet<string>>(settings, 'authres_trusted_authserv'),
    ignored: setting<ReadonlySet<string>>(settings, 'authres_ignored_authserv'),
  }
  const found = new Map<string, string>()
  for (const line of fields.split('\n')) {
    const field = /^((?:Arc-)?Authentication-Results):[\t-\r ]*(.+)/i.exec(line)
    if (!field) continue
    for (const [method, result] of parsed(field[1]!, field[2]!, trust)) {
      if (!found.has(method) || result === 'pass') found.set(method, result)
    }
  }
  return found
})

function parsed(name: string, text: string, trust: Trust): [string, string][] {
  try {
    return parseField(name, text, trust)
  } catch (error) {
    if (error instanceof Malformed) return []
    throw error
  }
}

export const authRes: Plugin = {
  name: 'AuthRes',
  directives: [
    networksDirective,
    serverSet('authres_trusted_authserv'),
    serverSet('authres_ignored_authserv'),
  ],
  evals: {
    check_authres_result({ scan, settings }, method = '', wanted = '') {
      const result = results(scan, settings).get(method)
      return lower(wanted) === 'missing' ? result === undefined : result === lower(wanted)
    },
  },
}
