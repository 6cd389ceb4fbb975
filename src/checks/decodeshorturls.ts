// DecodeShortURLs: links of shortening services, and where they lead. Without network only their presence is told.

import { boolDirective, numberDirective, stringDirective } from '../../rules/engine/directive.js'
import { setting } from '../../rules/engine/settings.js'
import type { Directive, EvalContext, EvalResult, Plugin, Settings } from '../../rules/engine/types.js'
import { derived, entriesOf, type Growing, grow, nothing } from './growing.js'
import { once } from './once.js'
import { type Ask, asker } from './shortlinks.js'
import { lower, words } from './text.js'

interface Change {
  /** Undefined = forget all. */
  readonly host?: string
  readonly method?: 'HEAD' | 'GET'
}

const shorteners: Directive = {
  name: 'url_shortener',
  aliases: ['url_shortener_get', 'clear_url_shortener'],
  scope: 'user',
  initial: nothing<Change>(),
  read(line, value, context) {
    const hosts = words(lower(line.value))
    const list = value as Growing<Change>
    if (line.written === 'clear_url_shortener') {
      return grow(list, hosts.length ? hosts.map((host) => ({ host })) : [{}])
    }
    if (hosts.length === 0) {
      context.problem('missing-value', `${line.written} wants a host`)
      return value
    }
    const method = line.written === 'url_shortener_get' ? 'GET' : 'HEAD'
    return grow(
      list,
      hosts.map((host) => ({ host, method }) as const),
    )
  },
}

type Methods = ReadonlyMap<string, 'HEAD' | 'GET'>

const methodsOf = derived((changes: Growing<Change>): Methods => {
  const methods = new Map<string, 'HEAD' | 'GET'>()
  for (const { host, method } of entriesOf(changes)) {
    if (host === undefined) methods.clear()
    else if (method) methods.set(host, method)
    else methods.delete(host)
  }
  return methods
})

/** How a short link is asked, undefined when it is none. A bare host is none unless it has three labels. */
export function methodFor(uri: string, methods: Methods): 'HEAD' | 'GET' | undefined {
  const found = /^https?:\/\/(?:[^@/?#]*@)?([^/?#:]+)(?::\d+)?([^\n]*?\w)?/i.exec(uri)
  if (!found) return undefined
  const host = lower(found[1]!)
  const dots = host.split('.').length - 1
  if (dots === 1 && found[2] === undefined) return undefined
  const exact = methods.get(host)
  if (exact || dots !== 2) return exact
  const rest = host.slice(host.indexOf('.') + 1)
  // `.example.com` in the list stands for all hosts below it.
  return methods.get(host.startsWith('www.') ? rest : `.${rest}`)
}

export interface Trail {
  readonly found: boolean
  redirected: boolean
  chained: boolean
  tooLong: boolean
  loop: boolean
  /** Status of answers that led nowhere. */
  readonly codes: Set<number>
}

/** Follows each link until it leaves the shortening services. */
export async function follow(
  links: readonly string[],
  methods: Methods,
  ask: Ask,
  stepsMax: number,
  deadline: number,
): Promise<Trail> {
  const trail: Trail = {
    found: links.length > 0,
    redirected: false,
    chained: false,
    tooLong: false,
    loop: false,
    codes: new Set(),
  }
  await Promise.all(links.map((link) => followOne(link, methods, ask, stepsMax, deadline, trail)))
  return trail
}

async function followOne(
  link: string,
  methods: Methods,
  ask: Ask,
  stepsMax: number,
  deadline: number,
  trail: Trail,
): Promise<void> {
  const seen = new Set<string>()
  for (let uri = link; ; ) {
    const method = methodFor(uri, methods)
    if (!method) return
    if (seen.size >= stepsMax) {
      trail.tooLong = true
      return
    }
    const step = await ask(uri, method, deadline)
    if (step.kind === 'status') trail.codes.add(step.code)
    if (step.kind !== 'redirect' || step.location === uri || !URL.canParse(step.location, uri)) return
    trail.redirected = true
    if (seen.size > 0) trail.chained = true
    uri = new URL(step.location, uri).href
    if (seen.has(uri)) {
      trail.loop = true
      return
    }
    seen.add(uri)
  }
}

const shortLinks = once((scan, settings: Settings): readonly string[] => {
  const methods = methodsOf(setting<Growing<Change>>(settings, 'url_shortener'))
  const most = setting<number>(settings, 'max_short_urls')
  const found = new Set<string>()
  for (const { raw, domains } of scan.views.uris.detail) {
    if (found.size >= most) break
    const uri = raw.replace(/[#?].*/s, '')
    if (domains.size > 0 && methodFor(uri, methods)) found.add(uri)
  }
  return [...found]
})

const trailOf = once((scan, settings: Settings): Promise<Trail> => {
  const methods = methodsOf(setting<Growing<Change>>(settings, 'url_shortener'))
  const timeoutMs = setting<number>(settings, 'url_shortener_timeout') * 1000
  const ask = asker(scan.net.dns, setting<string>(settings, 'url_shortener_user_agent'), timeoutMs)
  const steps = setting<number>(settings, 'max_short_url_redirections')
  return follow(shortLinks(scan, settings), methods, ask, steps, scan.deadline)
})

/** Asks the trail when there is network and something to follow. */
const told =
  (judge: (trail: Trail, code: string) => boolean) =>
  ({ scan, settings }: EvalContext, code = ''): EvalResult | Promise<EvalResult> => {
    if (!scan.net.dns.enabled || shortLinks(scan, settings).length === 0) return false
    return trailOf(scan, settings).then((trail) => judge(trail, code))
  }

const cacheWords = (names: string): Directive[] =>
  names.split(' ').map((name) => stringDirective(name, undefined, { scope: 'admin' }))

export const decodeShortUrls: Plugin = {
  name: 'DecodeShortURLs',
  features: [
    'has_short_url',
    'has_autoclean',
    'has_short_url_code',
    'has_user_agent',
    'has_get',
    'has_clear',
    'has_timeout',
    'has_max_redirections',
    'has_short_url_redir',
  ],
  directives: [
    shorteners,
    numberDirective('url_shortener_timeout', 5, { scope: 'admin' }),
    numberDirective('max_short_urls', 10, { scope: 'admin' }),
    numberDirective('max_short_url_redirections', 10, { scope: 'admin' }),
    stringDirective('url_shortener_user_agent', 'Mozilla/5.0 (compatible; hamd)', { scope: 'admin' }),
    boolDirective('url_shortener_loginfo', false, { scope: 'admin' }),
    ...cacheWords(
      'url_shortener_cache_type url_shortener_cache_dsn url_shortener_cache_username url_shortener_cache_password ' +
        'url_shortener_cache_ttl url_shortener_cache_autoclean',
    ),
  ],
  evals: {
    short_url: ({ scan, settings }) => shortLinks(scan, settings).length > 0,
    short_url_redir: told((trail) => trail.redirected),
    short_url_200: told((trail) => trail.codes.has(200)),
    short_url_404: told((trail) => trail.codes.has(404)),
    short_url_code: told((trail, code) => trail.codes.has(Number(code))),
    short_url_chained: told((trail) => trail.chained),
    short_url_maxchain: told((trail) => trail.tooLong),
    short_url_loop: told((trail) => trail.loop),
    // Told the users of an older plugin of that name to update.
    short_url_tests: () => false,
  },
}
