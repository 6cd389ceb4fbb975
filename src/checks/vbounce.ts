// VBounce: whether a bounce quotes a Received line of one of our own relays, so that it answers mail we really sent.

import { setting } from '../../rules/engine/settings.js'
import type { Directive, Plugin, Settings } from '../../rules/engine/types.js'
import type { Scan } from '../types.js'
import { globPattern } from './addresslists.js'
import { derived, entriesOf, type Growing, grow, nothing } from './growing.js'
import { isSpace, lower, words } from './text.js'

const relaysDirective: Directive = {
  name: 'welcomelist_bounce_relays',
  aliases: ['whitelist_bounce_relays'],
  scope: 'user',
  initial: nothing<string>(),
  read(line, value, context) {
    const globs = words(lower(line.value))
    if (globs.length) return grow(value as Growing<string>, globs)
    context.problem('missing-value', `${line.written} wants a host name`)
    return value
  },
}

const patternsOf = derived((relays: Growing<string>) =>
  [...entriesOf(relays)].map((glob) => new RegExp(`^${globPattern(glob)}$`)),
)

function relayPatterns(settings: Settings): readonly RegExp[] {
  return patternsOf(setting<Growing<string>>(settings, 'welcomelist_bounce_relays'))
}

/** Words with a dot inside that stand between two separators; a separator serves one word only. */
function* hostWords(line: string, isSeparator: (code: number) => boolean): Generator<string> {
  let at = 0
  while (at < line.length) {
    if (!isSeparator(line.charCodeAt(at))) {
      at++
      continue
    }
    let end = at + 1
    while (end < line.length && !isSpace(line.charCodeAt(end))) end++
    const word = line.slice(at + 1, end)
    const host = word.length > 2 && word.slice(1, -1).includes('.') && isSeparator(line.charCodeAt(end))
    if (host) yield word
    at = host ? end + 1 : Math.max(end, at + 1)
  }
}

const received = /^[> ]*Received:/i

/** Received fields quoted in the undecoded body, continuation lines joined. */
function* quotedReceived(body: string): Generator<string> {
  if (!/Received:/i.test(body)) return
  let field: string[] | undefined
  for (const line of body.split('\n')) {
    if (field && line !== '' && isSpace(line.charCodeAt(0))) {
      field.push(line)
      continue
    }
    if (field) yield field.join('')
    field = received.test(line) ? [line] : undefined
  }
  if (field) yield field.join('')
}

function quotesOurRelay(scan: Scan, patterns: readonly RegExp[]): boolean {
  const ours = (host: string): boolean => {
    const name = lower(host)
    return patterns.some((pattern) => pattern.test(name))
  }
  for (const line of scan.views.bodyForRules) {
    if (!received.test(line)) continue
    for (const word of hostWords(line, (code) => code === 32)) if (ours(word)) return true
  }
  const { pristine, pristineHeaders } = scan.message
  for (const field of quotedReceived(pristine.slice(pristineHeaders.length))) {
    for (const word of hostWords(field, isSpace)) if (ours(word)) return true
  }
  return false
}

export const vBounce: Plugin = {
  name: 'VBounce',
  directives: [relaysDirective],
  evals: {
    have_any_bounce_relays: ({ settings }) => relayPatterns(settings).length > 0,
    check_welcomelist_bounce_relays: checkRelays,
    check_whitelist_bounce_relays: checkRelays,
  },
}

function checkRelays({ scan, settings }: { readonly scan: Scan; readonly settings: Settings }): boolean {
  const patterns = relayPatterns(settings)
  return patterns.length > 0 && quotesOurRelay(scan, patterns)
}
