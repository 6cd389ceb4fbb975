// HTMLEval: questions about the html parts of a message. Each asks every html part in order; the first that fits decides.
import type { Eval, Plugin } from '../../rules/engine/types.js'
import type { HtmlResult, Scan } from '../types.js'
import { evalRegex, matches } from './evalregex.js'
import { isCharsetOk, okLocales } from './locales.js'
import { header, words } from './text.js'

const anyPart = (scan: Scan, fits: (html: HtmlResult) => boolean): boolean => scan.views.text.html.some(fits)

/** '> 3', '!= 0' and the like applied to a value; undefined when the text is no comparison. */
function compare(value: number, expression: string): boolean {
  const parsed = /^ *(<=|>=|==|!=|<|>) *([-+]?\d+) *$/.exec(expression)
  if (!parsed) return false
  const other = Number(parsed[2])
  switch (parsed[1]) {
    case '<':
      return value < other
    case '>':
      return value > other
    case '<=':
      return value <= other
    case '>=':
      return value >= other
    case '==':
      return value === other
    default:
      return value !== other
  }
}

type TextList = 'title' | 'comment' | 'script' | 'anchor'

function textsOf(html: HtmlResult, name: string): readonly string[] {
  return name === 'title' || name === 'comment' || name === 'script' || name === 'anchor'
    ? html[name satisfies TextList]
    : []
}

/** True when the named value would be true in Perl: present, not 0, not empty. */
function isSet(html: HtmlResult, name: string): boolean {
  return Boolean(html.values[name]) || textsOf(html, name).length > 0
}

function textMatch(wanted: boolean): Eval {
  return ({ scan }, name = '', source = '') => {
    const pattern = evalRegex(source)
    if (!pattern) return false
    return anyPart(scan, (html) => textsOf(html, name).some((text) => matches(pattern, text) === wanted))
  }
}

function inRange(value: number, min: number, max: string | undefined): boolean {
  if (max === undefined || max === 'inf') return value > min
  return value > min && value <= Number(max)
}

export const htmlEval: Plugin = {
  name: 'HTMLEval',
  idle: ({ views }) => views.text.html.length === 0,
  evals: {
    html_tag_balance: ({ scan }, tag = '', expression = '') =>
      anyPart(scan, (html) => {
        const open = html.inside.get(tag)
        return open !== undefined && compare(open, expression)
      }),
    html_image_only: ({ scan }, min = '', max = '') =>
      anyPart(scan, ({ inside, values: { length } }) => {
        return inside.has('img') && length !== undefined && length > Number(min) && length <= Number(max)
      }),
    html_image_ratio: ({ scan }, min = '', max = '') =>
      anyPart(scan, ({ values: { non_space_len: text, image_area: area } }) => {
        return text !== undefined && area !== undefined && area > 0 && inRange(text / area, Number(min), max)
      }),
    html_charset_faraway({ scan, settings }) {
      const locales = okLocales(settings)
      if (!locales) return false
      return anyPart(scan, ({ charsets }) => {
        const names = charsets.flatMap((charset) => words(charset))
        const bad = names.filter((charset) => !isCharsetOk(charset, locales)).length
        return bad > 0 && bad >= names.length - bad
      })
    },
    html_tag_exists: ({ scan }, tag = '') => anyPart(scan, (html) => html.inside.has(tag)),
    html_test: ({ scan }, name = '') => anyPart(scan, (html) => isSet(html, name)),
    html_eval: ({ scan }, name = '', expression = '') =>
      anyPart(scan, (html) => {
        const value = html.values[name]
        return value !== undefined && compare(value, expression)
      }),
    html_text_match: textMatch(true),
    html_text_not_match: textMatch(false),
    html_title_subject_ratio({ scan }, ratio = '') {
      const subject = header(scan, 'Subject').length
      if (subject === 0) return false
      return anyPart(scan, (html) => html.title.some((title) => title.length / subject > Number(ratio)))
    },
    html_range: ({ scan }, name = '', min = '', max?) =>
      anyPart(scan, (html) => {
        const value = html.values[name]
        return value !== undefined && inRange(value, Number(min), max)
      }),
    check_iframe_src: ({ scan }) =>
      anyPart(scan, (html) => html.links.some((link) => link.type === 'iframe')),
  },
}
