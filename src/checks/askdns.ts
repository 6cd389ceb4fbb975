// askdns RULE template [types [subtest]]: a query built from tags, one per combination of their values, and a condition on the answer.
import type { Directive, Eval, EvalContext, Plugin } from '../../rules/engine/types.js'
import type { DnsAnswer, DnsType } from '../types.js'
import { hostToAscii, isFqdn } from '../views/hosts.js'
import { lookUp, obeyBlockRule } from './dnslists.js'
import { evalRegex, matches } from './evalregex.js'
import { tagValues } from './nettags.js'
import { fitsNumber, type NumberTest, parseNumberTest } from './subtests.js'

type Test =
  | { readonly kind: 'any' }
  | { readonly kind: 'regex'; readonly source: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'number'; readonly text: string; readonly test: NumberTest }
  | { readonly kind: 'rcode'; readonly codes: readonly number[] }

interface Question {
  readonly template: string
  readonly types: readonly DnsType[]
  readonly test: Test
}

type Questions = ReadonlyMap<string, Question>

/** Answers of more types are not read from the wire; ANY is asked as these. */
const anyTypes: readonly DnsType[] = ['A', 'AAAA', 'MX', 'TXT', 'NS', 'PTR', 'CNAME', 'SOA']

const rcodes: Readonly<Record<string, number>> = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
}

/** Queries one rule may send for one mail: tags with many values multiply. */
const queriesMax = 100

function parseRcodes(text: string): readonly number[] | undefined {
  const codes = text
    .toUpperCase()
    .split(/\s*,\s*/)
    .map((word) => (/^\d+$/.test(word) ? Number(word) : rcodes[word]))
  return codes.every((code) => code !== undefined) ? codes : undefined
}

function parseTest(text: string): Test | undefined {
  const regex = /^\/(.+)\/([a-z]*)$/s.exec(text) ?? /^m(\W)(.+)(\W)([a-z]*)$/s.exec(text)
  if (regex !== null) {
    const [source, flags] = regex.length === 3 ? [regex[1]!, regex[2]!] : [regex[2]!, regex[4]!]
    const whole = flags === '' ? source : `(?${flags})${source}`
    return evalRegex(whole) === undefined ? undefined : { kind: 'regex', source: whole }
  }
  const quoted = /^(["'])(.*)\1$/s.exec(text)
  if (quoted) return { kind: 'text', text: quoted[2]! }
  const listed = /^\[((?:[A-Z]+|\d+)(?:\s*,\s*(?:[A-Z]+|\d+))*)\]$/is.exec(text)
  if (listed) {
    const codes = parseRcodes(listed[1]!)
    return codes && { kind: 'rcode', codes }
  }
  const test = parseNumberTest(text)
  return test && { kind: 'number', text, test }
}

function parseTypes(text: string): readonly DnsType[] | undefined {
  const names = text.toUpperCase().split(',')
  if (names.includes('ANY')) return anyTypes
  return names.every((name) => (anyTypes as readonly string[]).includes(name))
    ? (names as DnsType[])
    : undefined
}

const directive: Directive = {
  name: 'askdns',
  scope: 'privileged',
  initial: new Map<string, Question>(),
  read(line, value, context) {
    const found = /^(\S+)\s+(\S+)(?:\s+([A-Za-z0-9,]+)(?:\s+(.*?))?)?\s*$/s.exec(line.value)
    const types = found ? parseTypes(found[3] ?? 'A') : undefined
    const test: Test | undefined = found?.[4] ? parseTest(found[4]) : { kind: 'any' }
    if (!found || types === undefined || test === undefined) {
      context.problem(
        'invalid-value',
        'askdns wants a rule, a query, record types and a subtest that can be read',
      )
      return value
    }
    context.defineEval(found[1]!, 'header', 'check_askdns', [])
    return new Map(value as Questions).set(found[1]!, { template: found[2]!, types, test })
  },
}

async function fillTemplate(context: EvalContext, template: string): Promise<readonly string[]> {
  const tags = [...template.matchAll(/_([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*(?:\(.*?\))?)_/g)].map(
    (match) => match[1]!,
  )
  let queries = [template]
  for (const tag of new Set(tags)) {
    const values = await tagValues(context, tag)
    queries = queries.flatMap((query) => values.map((value) => query.replaceAll(`_${tag}_`, value)))
    if (queries.length > queriesMax) queries = queries.slice(0, queriesMax)
  }
  const names = queries.map((query) => hostToAscii(query, 'punycode').replace(/\.+$/, ''))
  return [...new Set(names)].filter(isFqdn)
}

function rcodeOf(answer: DnsAnswer): number | undefined {
  switch (answer.status) {
    case 'found':
    case 'nodata':
      return rcodes['NOERROR']
    case 'nxdomain':
      return rcodes['NXDOMAIN']
    case 'failed':
      return answer.reason === 'servfail' || answer.reason === 'refused'
        ? rcodes[answer.reason.toUpperCase()]
        : undefined
  }
}

function fits(test: Test, record: string): boolean {
  switch (test.kind) {
    case 'any':
      return true
    case 'text':
      return record === test.text
    case 'number':
      return record === test.text || (/^\d+(?:\.\d+){3}$/.test(record) && fitsNumber(test.test, record))
    case 'regex': {
      const pattern = evalRegex(test.source)
      return pattern !== undefined && matches(pattern, record)
    }
    case 'rcode':
      return false
  }
}

/** The record that fits; '' when the fitting thing was the status itself. */
function fitting(test: Test, answer: DnsAnswer): string | undefined {
  if (test.kind === 'rcode') {
    const code = rcodeOf(answer)
    return code !== undefined && test.codes.includes(code) ? '' : undefined
  }
  return answer.status === 'found' ? answer.records.find((record) => fits(test, record)) : undefined
}

const checkAskdns: Eval = async (context) => {
  const question = (context.settings.values.get('askdns') as Questions | undefined)?.get(context.rule)
  if (question === undefined || !context.scan.net.dns.enabled) return false
  const names = await fillTemplate(context, question.template)
  const outcomes = await Promise.all(
    names.flatMap((name) =>
      question.types.map(async (type) => {
        const record = fitting(question.test, await lookUp(context, 'askdns', name, type))
        return record === undefined ? undefined : `${name} ${type}:${record}`
      }),
    ),
  )
  const first = outcomes.find((outcome) => outcome !== undefined)
  if (first === undefined) return false
  obeyBlockRule(context)
  context.detail(first)
  context.hit(context.rule, { area: 'ASKDNS: ' })
  return undefined
}

export const askDns: Plugin = {
  name: 'AskDNS',
  directives: [directive],
  evals: { check_askdns: checkAskdns },
}
