// The directives of the engine itself and those of SpamAssassin's core that no other room reads line by line. Names and initial values
// are SpamAssassin 4.0.1's. What only SpamAssassin's own storage or locking needs is accepted and kept, so that no old file complains.
import {
  boolDirective,
  durationDirective,
  invalidValue,
  listDirective,
  mapDirective,
  missingValue,
  numberDirective,
  stringDirective,
  templateDirective,
} from './directive.js'
import type { Directive, DirectiveContext, DirectiveLine } from './types.js'

/** Headers added to mail, per class: name without `X-Spam-`, and the template. */
export interface HeaderTemplates {
  readonly spam: readonly (readonly [name: string, text: string])[]
  readonly ham: readonly (readonly [name: string, text: string])[]
}

const checkerVersion = ['Checker-Version', 'SpamAssassin _VERSION_ (_SUBVERSION_) on _HOSTNAME_'] as const
const firstHeaders: HeaderTemplates = { spam: [checkerVersion], ham: [checkerVersion] }

function without(list: HeaderTemplates['spam'], name: string): HeaderTemplates['spam'] {
  return list.filter(([other]) => other.toLowerCase() !== name.toLowerCase())
}

/** add_header {spam|ham|all} NAME TEXT, with \n, \t and \\ in the text. */
function addHeader(line: DirectiveLine, value: HeaderTemplates, context: DirectiveContext): HeaderTemplates {
  const found = /^(ham|spam|all)\s+([A-Za-z0-9_-]+)\s+(.*?)\s*$/s.exec(line.value)
  if (!found) {
    invalidValue(line, context)
    return value
  }
  const [, type, name, rest] = found as unknown as [string, string, string, string]
  const text = /^"(.*)"$/s.exec(rest)?.[1] ?? rest
  const entry = [name, text.split('\\\\').map(unescapeHeader).join('\\')] as const
  return {
    spam: type === 'ham' ? value.spam : [...without(value.spam, name), entry],
    ham: type === 'spam' ? value.ham : [...without(value.ham, name), entry],
  }
}

function unescapeHeader(text: string): string {
  return text.replace(/\\t/g, '\t').replace(/\\n/g, '\n').replace(/\\./g, '')
}

function removeHeader(
  line: DirectiveLine,
  value: HeaderTemplates,
  context: DirectiveContext,
): HeaderTemplates {
  const found = /^(ham|spam|all)\s+([A-Za-z0-9_-]+)\s*$/.exec(line.value)
  if (!found) {
    invalidValue(line, context)
    return value
  }
  const [, type, name] = found as unknown as [string, string, string]
  if (name === 'Checker-Version') return value
  return {
    spam: type === 'ham' ? value.spam : without(value.spam, name),
    ham: type === 'spam' ? value.ham : without(value.ham, name),
  }
}

/** One directive for three words, because they work on one value: HeaderTemplates. */
const headers: Directive = {
  name: 'add_header',
  aliases: ['remove_header', 'clear_headers'],
  scope: 'user',
  initial: firstHeaders,
  read(line, value, context) {
    const templates = value as HeaderTemplates
    if (line.written === 'add_header') return addHeader(line, templates, context)
    if (line.written === 'remove_header') return removeHeader(line, templates, context)
    if (line.value !== '') {
      invalidValue(line, context)
      return value
    }
    const kept = templates.ham.filter(([name]) => name.toLowerCase() === 'checker-version').slice(0, 1)
    return { spam: kept, ham: kept }
  },
}

/** report_safe 0 also makes spam carry its report as a header. */
const reportSafe: Directive = {
  name: 'report_safe',
  scope: 'user',
  initial: 1,
  read(line, value, context) {
    if (missingValue(line, context)) return value
    if (!/^[012]$/.test(line.value)) {
      invalidValue(line, context)
      return value
    }
    if (line.value === '0') {
      context.change?.('add_header', (old) => {
        const templates = old as HeaderTemplates
        const present = templates.spam.some(([name]) => name.toLowerCase() === 'report')
        return present ? templates : { ...templates, spam: [...templates.spam, ['Report', '_REPORT_']] }
      })
    }
    return Number(line.value)
  },
}

/** 'Subject' | 'From' | 'To' -> text put in front; an empty text switches it off. */
const rewriteHeader: Directive = {
  name: 'rewrite_header',
  scope: 'user',
  initial: new Map<string, string>(),
  read(line, value, context) {
    const found = /^(\S+)(?:\s+(.*))?$/s.exec(line.value)
    if (!found) {
      context.problem('missing-value', `missing '${line.written}' value`)
      return value
    }
    const name = found[1]!.charAt(0).toUpperCase() + found[1]!.slice(1).toLowerCase()
    if (!/^(?:From|Subject|To)$/.test(name)) {
      invalidValue(line, context)
      return value
    }
    const map = new Map(value as ReadonlyMap<string, string>)
    const text = found[2] ?? ''
    if (!/\S/.test(text)) map.delete(name)
    else map.set(name, name === 'Subject' ? text : text.replace(/\(/g, '[').replace(/\)/g, ']'))
    return map
  },
}

/** A template and the word that empties it. */
function clearableTemplate(name: string, clear: string): Directive {
  const plain = templateDirective(name)
  return {
    ...plain,
    aliases: [clear],
    read(line, value, context) {
      if (line.written !== clear) return plain.read(line, value, context)
      if (line.value === '') return ''
      invalidValue(line, context)
      return value
    },
  }
}

/** Words of a line added to a set. */
const replaceRules: Directive = {
  name: 'replace_rules',
  scope: 'privileged',
  initial: new Set<string>(),
  read: (line, value, context) =>
    missingValue(line, context)
      ? value
      : new Set([...(value as ReadonlySet<string>), ...line.value.split(/\s+/)]),
}

/** Which zones may be asked: the last word on a domain wins (net reads it). */
const dnsQueryRestriction: Directive = {
  name: 'dns_query_restriction',
  aliases: ['clear_dns_query_restriction', 'clear_dns_query_restrictions'],
  scope: 'user',
  initial: new Map<string, 'allow' | 'deny'>(),
  read(line, value, context) {
    if (line.written.startsWith('clear_')) return new Map()
    const found = /^(allow|deny)\s+(\S.*)$/i.exec(line.value)
    if (!found) {
      if (!missingValue(line, context)) invalidValue(line, context)
      return value
    }
    const map = new Map(value as ReadonlyMap<string, 'allow' | 'deny'>)
    for (const domain of found[2]!.split(/\s+/))
      map.set(domain.toLowerCase().replace(/^\.+|\.+$/g, ''), found[1]!.toLowerCase() as 'allow' | 'deny')
    return map
  },
}

const compat: Directive = {
  name: 'enable_compat',
  scope: 'admin',
  initial: new Set<string>(),
  read(line, value, context) {
    if (missingValue(line, context)) return value
    if (/^[a-zA-Z0-9_]{1,128}$/.test(line.value)) return new Set([...(value as Set<string>), line.value])
    invalidValue(line, context)
    return value
  },
}

const bayes: readonly Directive[] = [
  boolDirective('use_learner', true),
  boolDirective('use_bayes', true),
  boolDirective('use_bayes_rules', true),
  boolDirective('bayes_auto_learn', true),
  listDirective('bayes_token_sources', []),
  listDirective('bayes_ignore_header', []),
  listDirective('bayes_ignore_from', []),
  listDirective('bayes_ignore_to', []),
  numberDirective('bayes_min_ham_num', 200),
  numberDirective('bayes_min_spam_num', 200),
  boolDirective('bayes_learn_during_report', true),
  stringDirective('bayes_sql_override_username', ''),
  boolDirective('bayes_use_hapaxes', true),
  numberDirective('bayes_journal_max_size', 102_400),
  numberDirective('bayes_expiry_max_db_size', 150_000),
  boolDirective('bayes_auto_expire', true),
  durationDirective('bayes_token_ttl', 3 * 7 * 24 * 3600),
  durationDirective('bayes_seen_ttl', 8 * 24 * 3600),
  boolDirective('bayes_learn_to_journal', false),
]

/** Accepted for SpamAssassin's sake; hamd has its own storage, locks and databases. */
const administration: readonly Directive[] = [
  ...[
    'bayes_path',
    'bayes_file_mode',
    'bayes_store_module',
    'bayes_sql_dsn',
    'bayes_sql_username',
    'bayes_sql_password',
    'bayes_sql_username_authorized',
    'user_scores_dsn',
    'user_scores_sql_username',
    'user_scores_sql_password',
    'user_scores_sql_custom_query',
    'user_scores_ldap_username',
    'user_scores_ldap_password',
    'user_scores_fallback_to_global',
    'lock_method',
    'mbox_format_from_regex',
    'version_tag',
    'country_db_path',
    'uri_country_db_path',
    'uri_country_db_isp_path',
  ].map((name) => stringDirective(name, undefined, { scope: 'admin' })),
  boolDirective('ignore_always_matching_regexps', false, { scope: 'admin' }),
]

/** Directives that are always there. Values: map, set, string, number or boolean as the maker says. */
export const coreDirectives: readonly Directive[] = [
  numberDirective('required_score', 5, { aliases: ['required_hits'] }),
  headers,
  reportSafe,
  rewriteHeader,
  clearableTemplate('report', 'clear_report_template'),
  clearableTemplate('unsafe_report', 'clear_unsafe_report_template'),
  stringDirective('report_contact', 'the administrator of that system'),
  stringDirective('report_hostname', ''),
  stringDirective('report_charset', 'UTF-8'),
  numberDirective('report_wrap_width', 75),
  listDirective('report_safe_copy_headers', []),
  boolDirective('fold_headers', true),
  mapDirective('subjprefix'),
  stringDirective('ok_locales', 'all'),
  durationDirective('time_limit', 300),
  boolDirective('allow_user_rules', false, { scope: 'privileged' }),
  boolDirective('skip_rbl_checks', false),
  dnsQueryRestriction,
  compat,
  ...bayes,
  ...administration,
]

/** Directives that come with a plugin of SpamAssassin which lives in the engine here. */
export const pluginDirectives: readonly { readonly plugin: string; readonly directive: Directive }[] = [
  ...['replace_tag', 'replace_pre', 'replace_inter', 'replace_post'].map((name) => ({
    plugin: 'ReplaceTags',
    directive: mapDirective(name, { scope: 'privileged' }),
  })),
  { plugin: 'ReplaceTags', directive: replaceRules },
  { plugin: 'ReplaceTags', directive: stringDirective('replace_start', '<', { scope: 'privileged' }) },
  { plugin: 'ReplaceTags', directive: stringDirective('replace_end', '>', { scope: 'privileged' }) },
  { plugin: 'Shortcircuit', directive: numberDirective('shortcircuit_spam_score', 100) },
  { plugin: 'Shortcircuit', directive: numberDirective('shortcircuit_ham_score', -100) },
  { plugin: 'Shortcircuit', directive: numberDirective('shortcircuit_min_ham_score', undefined) },
  { plugin: 'Shortcircuit', directive: numberDirective('shortcircuit_max_spam_score', undefined) },
]
