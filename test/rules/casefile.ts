// Reads fixtures/cases/*.case: for each rule of ours mails that it must hit and mails that it must not.
//   RULE_NAME
//   hit  CHANGE ;; CHANGE ...      an ordinary mail with these changes
//   miss CHANGE ;; CHANGE ...
//   config LINE                    the site's configuration has this line as well
// A change is one of
//   Name: value    the field with this value instead of what was there      +Name: value   one more such field
//   -Name          without the field                                         relay: HELO RDNS IP   who delivered (RDNS `-` = unknown)
//   text: ...      the plain text                                            html: ...      a page; with text: both as alternatives
//   attach: TYPE => ...   an attachment; `@FILE` takes the bytes of a file beside the cases
//   disposition: ...      Content-Disposition of the attachment before       raw: ...       the whole message
// Values know \n \t \\ \xHH (a byte) and \{COUNT TEXT} (the text so many times). A line that begins with # is a remark.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../src/root.js'

export interface RuleCase {
  readonly rule: string
  readonly file: string
  readonly config: string
  readonly hits: readonly string[]
  readonly misses: readonly string[]
}

interface Attachment {
  readonly type: string
  readonly content: Buffer
  disposition: string
}

interface Mail {
  fields: [name: string, value: string][]
  text: string | undefined
  html: string | undefined
  readonly attachments: Attachment[]
  raw: string | undefined
}

export const casesFolder = join(packageRoot, 'fixtures', 'cases')

export function readCases(): RuleCase[] {
  return readdirSync(casesFolder)
    .filter((name) => name.endsWith('.case'))
    .sort()
    .flatMap((file) => parseCases(file, readFileSync(join(casesFolder, file), 'utf8')))
}

export function parseCases(file: string, text: string): RuleCase[] {
  const cases: { rule: string; file: string; config: string; hits: string[]; misses: string[] }[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue
    const current = cases.at(-1)
    const mail = /^(hit|miss)(?:\s+(.*))?$/.exec(line)
    if (mail && current) current[mail[1] === 'hit' ? 'hits' : 'misses'].push(mail[2] ?? '')
    else if (line.startsWith('config ') && current) current.config += `${line.slice(7)}\n`
    else if (/^[A-Z][A-Z0-9_]+$/.test(line))
      cases.push({ rule: line, file, config: '', hits: [], misses: [] })
    else throw new Error(`${file}:${index + 1}: neither a rule nor hit nor miss: ${line}`)
  }
  return cases
}

const defaultText = 'Hello,\nthe meeting on Thursday starts at ten. I bring the drawings with me.\nAnna\n'

function ordinaryMail(): Mail {
  return {
    fields: [
      ['Return-Path', '<anna@example.org>'],
      ['Received', relayLine('mail.example.org', 'mail.example.org', '198.51.100.25')],
      ['Date', 'Sun, 22 Nov 2026 02:00:00 +0000'],
      ['From', 'Anna Berg <anna@example.org>'],
      ['To', 'user@example.net'],
      ['Subject', 'The plan for Thursday'],
      ['Message-ID', '<20261122020000.Ab12345@mail.example.org>'],
      ['MIME-Version', '1.0'],
    ],
    text: undefined,
    html: undefined,
    attachments: [],
    raw: undefined,
  }
}

function relayLine(helo: string, rdns: string, ip: string): string {
  return `from ${helo} (${rdns === '-' ? 'unknown' : rdns} [${ip}])\n\tby mx.example.net (Postfix) with ESMTP id 4XYZ12345\n\tfor <user@example.net>; Sun, 22 Nov 2026 02:00:05 +0000`
}

/** The mail of a hit or miss line, with LF line ends. */
export function buildCase(changes: string): Buffer {
  const mail = ordinaryMail()
  for (const change of changes.split(' ;; ')) if (change !== '') apply(mail, change)
  return Buffer.from(render(mail), 'latin1')
}

function apply(mail: Mail, change: string): void {
  const removed = /^-([A-Z][\w-]*)$/.exec(change)
  if (removed) {
    mail.fields = mail.fields.filter(([name]) => name.toLowerCase() !== removed[1]!.toLowerCase())
    return
  }
  const parts = /^(\+?)([\w-]+):\s?(.*)$/s.exec(change)
  if (!parts) throw new Error(`no change: ${change}`)
  const [, more, word, written] = parts as unknown as [string, string, string, string]
  const value = unescaped(written)
  if (more) mail.fields.push([word, value])
  else if (/^[A-Z]/.test(word)) setField(mail, word, value)
  else if (word === 'text' || word === 'html' || word === 'raw') mail[word] = value
  else if (word === 'relay') setRelay(mail, value)
  else if (word === 'attach') mail.attachments.push(attachment(value))
  else if (word === 'disposition') mail.attachments.at(-1)!.disposition = value
  else throw new Error(`no such word: ${word}`)
}

/** UTF-8 as bytes in latin1, escapes read. */
function unescaped(written: string): string {
  return Buffer.from(written, 'utf8')
    .toString('latin1')
    .replace(/\\\{(\d+) ([^}]*)\}/g, (_, count: string, piece: string) => piece.repeat(Number(count)))
    .replace(/\\(n|t|\\|x[0-9a-fA-F]{2})/g, (_, code: string) => {
      if (code === 'n') return '\n'
      if (code === 't') return '\t'
      return code === '\\' ? '\\' : String.fromCharCode(Number.parseInt(code.slice(1), 16))
    })
}

function setField(mail: Mail, name: string, value: string): void {
  const at = mail.fields.findIndex(([known]) => known.toLowerCase() === name.toLowerCase())
  if (at < 0) mail.fields.push([name, value])
  else mail.fields[at] = [name, value]
}

function setRelay(mail: Mail, value: string): void {
  const [helo, rdns, ip] = value.split(' ')
  if (!helo || !rdns || !ip) throw new Error(`relay needs HELO RDNS IP: ${value}`)
  setField(mail, 'Received', relayLine(helo, rdns, ip))
}

function attachment(value: string): Attachment {
  const [type, content = ''] = value.split(' => ')
  const name = /name="?([^";]*)/.exec(type!)?.[1]
  return {
    type: type!,
    content: content.startsWith('@')
      ? readFileSync(join(casesFolder, content.slice(1)))
      : Buffer.from(content, 'latin1'),
    disposition: name ? `attachment; filename="${name}"` : '',
  }
}

function render(mail: Mail): string {
  if (mail.raw !== undefined) return mail.raw
  const body = withAttachments(mail, mainPart(mail))
  const given = new Set(mail.fields.map(([name]) => name.toLowerCase()))
  const own = body.fields.filter(([name]) => !given.has(name.toLowerCase()))
  return `${[...mail.fields, ...own].map(([name, value]) => `${name}: ${value}\n`).join('')}\n${body.content}`
}

interface Entity {
  readonly fields: readonly (readonly [string, string])[]
  readonly content: string
}

const leaf = (type: string, content: string): Entity => ({
  fields: [
    ['Content-Type', `${type}; charset=utf-8`],
    ['Content-Transfer-Encoding', '8bit'],
  ],
  content: content.endsWith('\n') ? content : `${content}\n`,
})

const entity = ({ fields, content }: Entity): string =>
  `${fields.map(([name, value]) => `${name}: ${value}\n`).join('')}\n${content}`

const multipart = (type: string, parts: readonly Entity[]): Entity => {
  const boundary = `=_${type}_4711`
  return {
    fields: [['Content-Type', `multipart/${type}; boundary="${boundary}"`]],
    content: `${parts.map((part) => `--${boundary}\n${entity(part)}`).join('')}--${boundary}--\n`,
  }
}

function mainPart({ text, html }: Mail): Entity {
  if (html === undefined) return leaf('text/plain', text ?? defaultText)
  const page = leaf('text/html', html)
  return text === undefined ? page : multipart('alternative', [leaf('text/plain', text), page])
}

function withAttachments(mail: Mail, main: Entity): Entity {
  if (mail.attachments.length === 0) return main
  const parts = mail.attachments.map(
    ({ type, content, disposition }): Entity => ({
      fields: [
        ['Content-Type', type],
        ...(disposition ? [['Content-Disposition', disposition] as const] : []),
        ['Content-Transfer-Encoding', 'base64'],
      ],
      content: `${content.toString('base64').replace(/.{76}(?=.)/g, '$&\n')}\n`,
    }),
  )
  return multipart('mixed', [main, ...parts])
}
