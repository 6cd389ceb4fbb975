// rspamd's task line, for log statistics scripts and fail2ban (rspamd-protocol.md 6.3). In: what was asked and what came out. Out: one line of text.
// Fields that are not known vanish with their comma. Made only where a sink for it is configured.
import { createHash } from 'node:crypto'
import type { HeaderList } from '../http-headers.js'
import type { ReplyParts } from './format.js'
import { wireText } from './verdict.js'

export interface LogLineInput {
  readonly parts: ReplyParts
  readonly headers: HeaderList
  readonly raw: Uint8Array
  readonly id: string
  readonly now: Date
}

export function taskLine({ parts, headers, raw, id, now }: LogLineInput): string {
  const { verdict, scanned, envelope, seconds } = parts
  const letter = verdict.skipped ? 'S' : verdict.isSpam ? 'T' : 'F'
  const scores = `[${verdict.score.toFixed(2)}/${verdict.requiredScore.toFixed(2)}]`
  const fields = [
    field('id', `<${scanned?.messageId ?? 'undef'}>`),
    field('qid', envelope.queueId && `<${envelope.queueId}>`),
    field('ip', envelope.ip),
    field('user', envelope.authUser),
    field('from', envelope.mailFrom && `<${envelope.mailFrom}>`),
    `(default: ${letter} (${verdict.action}): ${scores} [${symbols(parts)}])`,
    `len: ${raw.length}`,
    `time: ${(seconds * 1000).toFixed(3)}ms`,
    'dns req: 0',
    `digest: <${createHash('md5').update(raw).digest('hex')}>`,
    field('rcpts', addressList(envelope.rcptTo)),
    field('mime_rcpts', addressList(scanned?.mimeRcpt ?? [])),
    field('file', headers.get('filename')),
    field('settings_id', headers.get('settings-id')),
  ]
  const head = `${stamp(now)} #${process.pid}(hamd) <${id.slice(0, 6)}>; task; rspamd_task_write_log: `
  return oneLine(head + fields.filter((text) => text !== undefined).join(', '))
}

function field(name: string, value: string | undefined): string | undefined {
  return value ? `${name}: ${value}` : undefined
}

/** All in one pair of brackets, as rspamd writes them. */
function addressList(addresses: readonly string[]): string | undefined {
  return addresses.length > 0 ? `<${addresses.join(',')}>` : undefined
}

/** By absolute score, then by name; options in braces, each with a semicolon behind it. */
function symbols({ verdict }: ReplyParts): string {
  return [...verdict.hits]
    .sort((a, b) => Math.abs(b.score) - Math.abs(a.score) || (a.symbol < b.symbol ? -1 : 1))
    .map((hit) => {
      const options = hit.details.map((detail) => `${wireText(detail)};`).join('')
      return `${hit.symbol}(${hit.score.toFixed(2)}){${options}}`
    })
    .join(',')
}

function stamp(now: Date): string {
  return now.toISOString().slice(0, 19).replace('T', ' ')
}

/** Senders choose parts of the line: nothing of theirs may start a second one. */
function oneLine(text: string): string {
  return text.replace(/[\x00-\x1f\x7f]+/g, ' ')
}
