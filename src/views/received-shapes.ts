// The shapes of Received lines as data, in the order in which they are tried (text after `from `). Comes in: nothing. Goes out: lists of
// shapes for received.ts. Named groups are the fields they fill. A shape's place matters: many lines fit several.
import { bytePattern } from './pattern.js'
import { RareText } from './rare-text.js'
import type { Draft } from './received.js'
import { requiredText } from './required-literal.js'

/** What a group of a pattern fills; `comment` is for `fix` only. */
export type GroupName = 'ip' | 'rdns' | 'helo' | 'by' | 'ident' | 'id' | 'comment'

export interface Shape {
  /** Text the line must contain, undefined if there is none; saves the pattern. */
  readonly must: RareText | undefined
  /** Text that must follow the first blank of the line, '' if the pattern does not say; rules most shapes out at a glance. */
  readonly second: string
  /** What else the line must contain, anywhere. */
  readonly when: RegExp | undefined
  readonly pattern: RegExp
  /** What its groups fill, in their order: V8 takes ten times as long to hand out groups by name. */
  readonly groups: readonly GroupName[]
  /** MTAs that write this shape look names up. */
  readonly lookedUp: boolean
  /** The line is understood and no hop; undefined = it is one. */
  readonly outcome: 'ignored' | 'fetched' | 'repeated' | undefined
  /** What the groups do not say by themselves; false = the line does not fit after all, with what was read so far. */
  readonly fix: ((draft: Draft, comment: string, line: string) => undefined | false) | undefined
}

/** MTAs with a mark of their own: only the first family whose mark is there is tried. */
export interface Family {
  /** One of these must be there. */
  readonly must: readonly RareText[]
  readonly mark: RegExp | undefined
  readonly shapes: readonly Shape[]
}

type Rest = Partial<Omit<Shape, 'must' | 'pattern' | 'groups'>> & { readonly must?: string }

function hop(source: string, rest: Rest = {}): Shape {
  const groups: GroupName[] = []
  const numbered = source.replace(/\(\?<([a-z]+)>/g, (_, name: GroupName) => {
    groups.push(name)
    return '('
  })
  const pattern = bytePattern(numbered)
  const { must = requiredText(pattern), second = textBehindFirstWord(source) } = rest
  const { when, lookedUp = false, outcome, fix } = rest
  // All with the same properties in the same order: V8 reads them far faster so.
  return {
    must: must === '' ? undefined : new RareText(must),
    second,
    when,
    pattern,
    groups,
    lookedUp,
    outcome,
    fix,
  }
}

/** The plain text that a pattern has behind a first word and a blank; '' where its first word is nothing plain. */
function textBehindFirstWord(source: string): string {
  return (firstWordAndText.exec(source)?.[1] ?? '').replace(/\\/g, '')
}
const firstWordAndText =
  /^\^(?:\(\?<[a-z]+>|\)(?![?*+])|\\S[+*]|\{ip\}|\\[[\]](?![?*+]))+ ((?:\\[[\]()](?![?*+])|[a-z ]+(?![?*+a-z ]))+)/

/** Same, of an MTA that looks names up. */
function known(pattern: string, rest: Rest = {}): Shape {
  return hop(pattern, { lookedUp: true, ...rest })
}

function ignore(pattern: string, must?: string): Shape {
  return hop(pattern, { outcome: 'ignored', ...(must === undefined ? {} : { must }) })
}

/** `helo=x ident=y` inside an Exim comment. */
function readEximComment(draft: Draft, comment: string): undefined {
  const helo = /helo=([^\t-\r ]+)/.exec(comment)
  if (helo) draft.helo = helo[1]!
  const ident = /ident=([^\t-\r ]*)/.exec(helo ? comment.replace(helo[0], '') : comment)
  if (ident) draft.ident = ident[1]!
}

function unknownIsNothing(draft: Draft): undefined {
  if (draft.rdns === 'unknown') draft.rdns = ''
}

function heloIsRdns(draft: Draft): undefined {
  draft.helo = draft.rdns
}

/** Odd Exim lines: gather what can be found, enough is an address and a `by`. */
function gatherExim(draft: Draft, _comment: string, line: string): undefined | false {
  draft.rdns = eximFirst.exec(line)?.[1] ?? draft.rdns
  draft.helo = eximComment.exec(line)?.[1] ?? draft.helo
  draft.ip = eximAddress.exec(line)?.[1] ?? draft.ip
  const by = eximBy.exec(line)
  if (!by) return false
  draft.by = by[1]!
  return draft.ip === '' ? false : undefined
}
const eximFirst = bytePattern('^(\\S+) ')
const eximComment = bytePattern(' \\((\\S+)\\) ')
const eximAddress = bytePattern(' \\[({ip})(?:\\.\\d+)?\\] ')
const eximBy = bytePattern('by (\\S+) ')

const qmailSource = ' (?:\\(envelope-sender <\\S+>\\) )?by (?<by>\\S+)'
type QmailGroup = Exclude<GroupName, 'comment'>
const qmailVariants = [
  '^(?<rdns>\\S+) \\((?:HELO|EHLO) (?<helo>[^ ()]*)\\) \\((?<ident>\\S*)@\\[?(?<ip>{ip})\\]?\\)',
  '^(?<rdns>\\S+) \\((?:HELO|EHLO) (?<helo>[^ ()]*)\\) \\(\\[?(?<ip>{ip})\\]?\\)',
  '^(?<rdns>\\S+) \\((?<ident>\\S*)@\\[?(?<ip>{ip})\\]?\\)',
  '^(?<rdns>\\S+) \\(\\[?(?<ip>{ip})\\]?\\)',
].map((start) => hop(start + qmailSource))

/**
 * qmail leaves HELO out when it equals the reverse name. It is told the name by tcpserver: a word other than `unknown` means that
 * somebody looked it up.
 */
function readQmail(draft: Draft, _comment: string, line: string): undefined {
  for (const { pattern, groups } of qmailVariants) {
    const found = pattern.exec(line)
    if (!found) continue
    for (let place = 0; place < groups.length; place++) draft[groups[place] as QmailGroup] = found[place + 1]!
    if (!groups.includes('helo')) draft.helo = draft.rdns
    break
  }
  if (draft.rdns === 'unknown') draft.rdns = ''
  else draft.lookedUp = true
}

/** Lines that begin with FROM and with (from. */
export const rockliffeShape = hop(
  '^(?<helo>\\S+) \\((?<rdns>\\S+) \\[(?<ip>{ip})\\]\\) BY (?<by>\\S+) (?:\\([^)]+\\) WITH SMTP )?ID <?(?<id>\\S+?)>?(?: FOR <[^>]+>)?$',
)
export const nortonShape = hop('^(?<helo>\\S*) \\[(?<ip>{ip})\\]\\) by (?<by>\\S+) \\(NAVGW .*?\\) with ')

export const webmailShapes: readonly Shape[] = [
  hop('(?<ip>{ip})\\b(?![.-]).{10,80}by (?<by>\\S+) with HTTP', {
    must: 'Mail authenticated user ',
    when: / \((?:SquirrelMail|NaSMail) authenticated user /,
  }),
  hop('(?<ip>{ip}) by (?<by>\\S+) \\({ip}\\) with HTTP \\(WebMailUI\\)', {
    must: 'with HTTP (WebMailUI)',
    when: /aol\.com/,
  }),
]

const writtenFamilies: readonly {
  readonly must: readonly string[]
  readonly mark?: RegExp
  readonly shapes: readonly Shape[]
}[] = [
  {
    must: [' SMTPSVC'],
    shapes: [
      hop('^(?<helo>\\S*) \\(\\[(?<ip>{ip})\\][^)]{0,40}\\) by (?<by>\\S+) with Microsoft SMTPSVC'),
      ignore('^mail pickup service by (\\S+) with Microsoft SMTPSVC$'),
    ],
  },
  {
    must: [' with Microsoft SMTP Server ', ' with mapi id '],
    mark: / with (?:Microsoft SMTP Server|mapi id) (?:\([^)]+\) )?\d+\.\d+\.\d+\.\d+(?:$| )/,
    shapes: [
      hop('^(?<helo>\\S+) \\(\\[?(?<ip>{ip})(?:%[A-Z0-9._~-]*)?\\]?\\) by (?<by>\\S+) ', {
        fix(draft) {
          draft.id = ''
        },
      }),
    ],
  },
  {
    must: ['[XMail '],
    shapes: [
      hop('^(?<helo>\\S+) \\((?<ip>\\[?{ip}\\]?)(?::\\d+)\\) by (?<by>\\S+)(?: \\(\\S+\\))? with \\[XMail', {
        fix(draft, _comment, line) {
          draft.id = / id <([^\t-\r ]+)>/.exec(line)?.[1] ?? draft.id
          draft.envfrom = / from <([^\t-\r ]+)>/.exec(line)?.[1] ?? draft.envfrom
        },
      }),
    ],
  },
  {
    must: ['(ecelerity'],
    mark: /\(ecelerity\b/,
    shapes: [
      hop('^\\(\\[(?<ip>{ip}):\\d+\\] helo=(?<helo>\\S+)\\) by (?<by>\\S+) '),
      hop('^\\S+ \\(\\[(?<ip>{ip}):\\d+\\]\\) by (?<by>\\S+) '),
    ],
  },
  {
    must: ['Exim'],
    shapes: [
      ignore('\\bwith local(?:-\\S+)? '),
      hop('^\\[(?<ip>{ip})\\] \\((?<comment>.*?)\\) by (?<by>\\S+) ', { fix: readEximComment }),
      hop('^(?<rdns>\\S+) \\(\\[(?<ip>{ip})\\](?<comment>.*?)\\) by (?<by>\\S+) ', {
        fix(draft, comment) {
          draft.helo = draft.rdns
          readEximComment(draft, comment)
        },
      }),
      hop('^(?<rdns>\\S+) \\[(?<ip>{ip})\\](?::\\d+)? by (?<by>\\S+) ', { fix: heloIsRdns }),
      hop('^', { fix: gatherExim }),
    ],
  },
  {
    must: [' (Postfix) with'],
    shapes: [
      known('^(?<helo>\\S+) \\((?<rdns>\\S+) \\[(?<ip>{ip})\\]\\) by (?<by>\\S+) ', {
        fix: unknownIsNothing,
      }),
      known('^(?<helo>\\S+) \\((?<rdns>\\S+)\\[(?<ip>{ip})\\]\\) by (?<by>\\S+) ', { fix: unknownIsNothing }),
    ],
  },
  {
    must: ['(Scalix SMTP Relay'],
    shapes: [hop('^(?<helo>\\S+) \\( ?(?<ip>{ip})\\) by (?<by>\\S+)')],
  },
  {
    must: [' (Lotus Domino '],
    shapes: [hop('^(?<helo>\\S+) \\(\\[(?<ip>{ip})\\]\\) by (?<by>\\S+) \\(Lotus')],
  },
]

export const families = writtenFamilies.map(
  ({ must, mark, shapes }): Family => ({ must: must.map((text) => new RareText(text)), mark, shapes }),
)

/** A webmail (IMP) that writes the client's address in the place of HELO. */
export const impShape = hop('^(?<ip>{ip}) \\(\\[{ip}\\]\\) by (?<by>\\S+)', {
  must: 'with HTTP',
  when: /\bwith HTTP\b/,
})

/** Not tried on qmail-ldap, which looks the same and means something else. */
export const sendmailShape = known(
  '^(?<helo>\\S+) \\((?<rdns>\\S+) \\[(?<ip>{ip})\\].*\\) by (?<by>\\S+) \\(',
  {
    fix(draft) {
      if (!draft.rdns.includes('@')) return
      const named = /^IDENT:([^@]*)@/.exec(draft.rdns)
      if (named) {
        draft.ident = named[1]!
        draft.rdns = draft.rdns.slice(named[0].length)
      }
      const user = /^([^@]*)@/.exec(draft.rdns)
      if (user) {
        draft.ident = user[1]!
        draft.rdns = draft.rdns.slice(user[0].length)
      }
    },
  },
)

export const generalShapes: readonly Shape[] = [
  known('^(?<helo>\\S+) \\((?<rdns>\\S+) \\[(?<ip>{ip})\\]\\) by (?<by>\\S+) with \\S+ \\('),
  hop('^(?<rdns>\\S+) \\(\\[(?<ip>{ip})\\] helo=(?<helo>\\S+)\\) by (?<by>\\S+) with '),
  hop('^(?<helo>\\S+) \\(<unknown\\S*>\\[(?<ip>{ip})\\]\\) by (?<by>\\S+) '),
  known('^(?<helo>\\S+) \\((?<rdns>\\S+\\.\\S+)\\[(?<ip>{ip})\\]\\) by (?<by>\\S+) '),
  known('^(?<helo>\\S+) \\((?<ident>\\S*)@\\[(?<ip>{ip})\\].*\\) by (?<by>\\S+) \\('),
  hop('by (?<by>\\S+\\.hotmail\\.msn\\.com) ', {
    must: '.hotmail.msn.com ',
    fix(draft, _comment, line) {
      draft.ip = leadingAddress.exec(line)?.[1] ?? draft.ip
    },
  }),
  hop(
    '^(?<rdns>\\S+) \\((?:HELO|EHLO) (?<helo>\\S*)\\) \\((?<ip>{ip})\\) by (?<by>\\S+) \\(qpsmtpd/\\S+\\) with (?:ESMTP|SMTP)',
    { must: '(qpsmtpd/' },
  ),
  hop('^(?<rdns>\\S+) \\(LHLO (?<helo>\\S*)\\) \\((?<ip>{ip})\\) by (?<by>\\S+) with LMTP', {
    must: '(LHLO ',
  }),
  hop(
    '^(?<rdns>\\S+) \\((?:HELO|EHLO) (?<helo>\\S*)\\) \\[(?<ip>{ip})\\] by (?<by>\\S+) \\([^)]+\\) with (?:ESMTP|SMTP)',
    { must: 'LO ' },
  ),
  hop('^(?<helo>\\S+) \\(\\[(?<ip>{ip})\\]\\) by (?<by>\\S+) via smtpd \\(for \\S+\\) with SMTP\\(', {
    must: ' via smtpd ',
  }),
  hop(
    '^\\S+(?: \\((?:HELO|EHLO) \\S*\\))? \\((?:\\S+@)?\\[?{ip}\\]?\\)(?: \\(envelope-sender <\\S+>\\))? by \\S+(?: \\(.+\\))? with (?:.* )?(?:SMTP|QMQP)(?! id )',
    { must: ' with ', second: '(', when: /SMTP|QMQP/, fix: readQmail },
  ),
  hop('^\\[(?<ip>{ip})\\] by (?<by>\\S+) via HTTP$', { must: ' via HTTP' }),
  hop('^\\S+ \\( \\[(?<ip>{ip})\\]\\).*? by (?<by>\\S+) '),
  hop('^\\((?<helo>\\S+) \\[(?<ip>{ip})\\]\\) by (?<by>\\S+) '),
  hop('^\\[(?<ip>{ip})\\] by (?<by>\\S+) '),
  hop('^\\(\\[?(?<ip>{ip})\\]?\\) by (?<by>\\S+) '),
  known('^(?<helo>\\S+) \\[(?<ip>{ip})\\] by (?<by>\\S+) \\[{ip}\\] with '),
  hop('^(?<helo>\\S+) \\[\\((?<ip>{ip})\\)\\] by (?<by>\\S+) \\({ip}\\) '),
  known('^(?<helo>\\S+) \\(\\[(?<ip>{ip})\\]\\) by (?<by>\\S+) \\('),
  hop('^(?<helo>\\S+) \\((?<rdns>\\S+) \\[(?<ip>{ip})\\]\\).*? by (?<by>\\S+)\\b', {
    fix(draft) {
      // Courier could not look up: the word stands for an error, the name stays unknown.
      if (draft.rdns === 'softdnserr') draft.rdns = ''
      else draft.lookedUp = true
    },
  }),
  known('^(?<helo>\\S+) \\(\\[(?<ip>{ip})(?:[.:]\\d+)?\\]\\).*? by (?<by>\\S+) '),
  hop('with (?:POP3|IMAP)', { outcome: 'fetched' }),
  known(
    '^(?<rdns>\\S+) \\((?:HELO|EHLO) (?<helo>[^)]*)\\) \\((?:(?<ident>\\S*)@)?\\[?(?<ip>{ip})\\]?\\).* by (?<by>\\S+) ',
    {
      must: 'LO ',
    },
  ),
  known('^(?<rdns>\\S+) \\((?:(?<ident>\\S*)@)?\\[?(?<ip>{ip})\\]?\\).* by (?<by>\\S+) ', {
    fix: heloIsRdns,
  }),
  known('^(?<rdns>\\S+)\\((?<ip>{ip})\\) by (?<by>\\S+) via smap ', { must: ' via smap ' }),
  known('^(?<rdns>\\S+)\\((?<ip>{ip}), (?:HELO|EHLO) (?<helo>\\S*)\\) by (?<by>\\S+) via smap ', {
    must: ' via smap ',
  }),
  hop('^(?<ip>{ip}) by (?<by>\\S+) \\((?:SMTPL|InterScan)\\b'),
  ignore('^\\S+ by \\S+ with BSMTP', ' with BSMTP'),
  known('^(?<helo>\\S+) \\((?<rdns>\\S+) \\[(?<ip>{ip})\\]\\) by (?<by>\\S+) with '),
  known(
    '^(?<rdns>\\S+) \\((?:HELO|EHLO) (?<helo>\\S*)\\) \\((?:(?<ident>\\S+)@)?(?<ip>{ip}).*?\\) by (?<by>\\S+) with ',
    {
      must: 'LO ',
    },
  ),
  hop('^\\[(?<ip>{ip})\\] \\((?:account \\S+ )?(?:HELO|EHLO) (?<helo>\\S*)\\) by (?<by>\\S+) \\(', {
    must: 'LO ',
  }),
  known('^(?<rdns>\\S+) \\(\\[(?<ip>{ip})\\] verified\\) by (?<by>\\S+) \\(', {
    must: ' (CommuniGate Pro',
    fix: heloIsRdns,
  }),
  hop('^\\(\\[(?<ip>{ip})\\]\\) by (?<by>\\S+) with '),
  hop('^(?<helo>[^\\d]\\S+) \\((?<ip>{ip})\\) by (?<by>\\S+) '),
  ignore('^\\S+ \\(\\S+\\) by \\S+ \\(Content Technologies ', '(Content Technologies '),
  hop('^(?<helo>\\S+) \\(\\[(?<ip>{ip})\\] \\[\\S+\\]\\) by (?<by>\\S+) with '),
  hop('^(?<ip>{ip}) by (?<by>\\S+) with '),
  known('^(?<helo>\\S+) \\((?<rdns>\\S+)\\[(?<ip>{ip})\\]\\) by (?<by>\\S+) '),
  hop('^\\[(?<ip>{ip})\\]\\S+ \\((?:HELO|EHLO) (?<helo>\\S*)\\) by (?<by>\\S+) ', { must: 'LO ' }),
  hop('^(?<ip>{ip}) \\((?:HELO|EHLO) (?<helo>\\S*)\\) by (?<by>\\S+) ', { must: 'LO ' }),
  hop('^(?<helo>\\S+) \\[(?<ip>{ip})\\] by (?<by>\\S+) '),
  hop('^(?<rdns>\\S+)\\((?<ip>{ip})\\) by (?<by>\\S+) '),
  hop('^(?<helo>\\S+) \\(unverified \\[(?<ip>{ip})\\]\\) by (?<by>\\S+) ', { must: '(unverified ' }),
  hop('^(?<ip>{ip}) \\([A-Za-z][^)]+\\) by (?<by>\\S+) with '),
  hop('^\\[(?<ip>{ip})\\] \\((?<comment>[^)]+)\\) by (?<by>\\S+) ', { fix: readEximComment }),
  hop('^(?<rdns>\\S+) \\((?:\\S+@)?(?<ip>{ip})\\) by (?<by>\\S+) with '),
  hop('^(?<rdns>\\S+)\\((?<ip>{ip})\\)(?:, claiming to be "(?<helo>\\S+)")? via \\S+ by (?<by>\\S+),', {
    must: ' via ',
    fix(draft) {
      if (draft.rdns !== 'UNKNOWN') draft.lookedUp = true
    },
  }),
  hop('^(?<helo>\\S+) \\(\\S+@(?<ip>{ip}) with login\\) by (?<by>\\S+\\.yahoo\\.com) with SMTP', {
    must: ' with login) ',
  }),
  // Made by relays.ts from X-Originating-IP and its kin.
  hop('^X-Originating-IP: (?<ip>{ip})$', {
    must: 'X-Originating-IP: ',
    fix(draft) {
      draft.by = ''
    },
  }),
]

const leadingAddress = bytePattern('^({ip}) ')

/** Hand-overs that are none on the network, or that leave no address. */
export const ignoredShapes: readonly Shape[] = [
  ignore('^\\S+ \\([^\\s@]+@{localhost}\\) by \\S+ \\('),
  ignore('^\\S+ \\S+ by \\S+ with local-e?smtp ', 'with local-'),
  ignore('^127\\.0\\.0\\.1 \\(AVG SMTP \\S+ \\[\\S+\\]\\)'),
  ignore('^\\S+@\\S+ by \\S+ by uid \\S+ '),
  ignore('^\\S+@\\S+ by \\S+ '),
  ignore('^Unknown/Local \\('),
  ignore('^{localhost} \\((?:\\S+@)?{localhost}[)[]'),
  ignore('^\\S+ \\((?:\\S+@)?{localhost}\\) '),
  ignore('^\\S+ \\(\\S+@\\S+ \\[{localhost}\\]\\) '),
  ignore('^\\(AUTH: \\S+\\) by \\S+ with '),
  ignore('^localhost \\(localhost \\[\\[UNIX: localhost\\]\\]\\) by '),
  ignore('^\\S+\\.amazon\\.com by \\S+\\.amazon\\.com with ESMTP \\(peer crosscheck: ', '(peer crosscheck: '),
  ignore('^[^.]+ by \\S+ with Novell_GroupWise', 'with Novell_GroupWise'),
  ignore('^no\\.name\\.available by \\S+ via smtpd \\(for '),
  hop('^\\S+ by \\S+ \\(.{0,100}\\) with qmail-scanner', { outcome: 'repeated' }),
  ignore('^\\S+ by \\S+ with local'),
  ignore(
    '^\\S+ \\(\\[unix socket\\]\\) by \\S+ \\(Cyrus v\\d*?\\.\\d*?\\.\\d*?\\) with LMTPA',
    '([unix socket])',
  ),
  ignore('^\\S+ by \\S+ (?:with|via|for|\\()'),
  ignore('^\\S+ (?:(?:with|via|for) \\S+|\\(unverified\\)) by\\b'),
  ignore('^\\S+ \\(unknown\\) by \\S+ \\(SG\\) with \\b', '(unknown)'),
  ignore('^\\S+ \\(\\S+ \\[local\\]\\) by \\S+ \\(OpenSMTPD\\) with \\b', '[local]'),
  ignore('\\(LSMTP for', '(LSMTP for'),
  ignore('^\\(\\[{localhost}\\]\\) with MailEnable ', 'MailEnable'),
  ignore('^facebook\\.com \\([^)]+\\) by facebook\\.com with Thrift id \\S+$'),
  ignore('^\\S+ named \\S+ by gmailapi\\.google\\.com with HTTPREST$', 'gmailapi'),
  ignore('^\\S+ id \\S+$'),
  ignore('^\\[<.*? \\(Jetsend', '(Jetsend'),
]

/** Shapes that a line may have whose second word begins with a byte, by that byte; in the order in which they are tried. */
export type ShapesBySecond = readonly (readonly Shape[])[]

export function bySecond(shapes: readonly Shape[]): ShapesBySecond {
  const byByte = new Array<readonly Shape[]>(256).fill(shapes.filter(({ second }) => second === ''))
  for (const byte of new Set(shapes.map(({ second }) => second.charCodeAt(0)))) {
    if (Number.isNaN(byte)) continue
    byByte[byte] = shapes.filter(({ second }) => second === '' || second.charCodeAt(0) === byte)
  }
  return byByte
}
