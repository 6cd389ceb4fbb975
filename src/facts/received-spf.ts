// SPF results that our own side already wrote: Received-SPF and Authentication-Results headers above the last internal relay. Headers
// below may come from anybody, so they are never read; Views give the internal part under the request ALL-INTERNAL.
import type { AuthResult, SpfOutcome, Views } from '../types.js'

const word = '(pass|neutral|(?:hard|soft)?fail|(?:temp|perm)error|none)'
const receivedSpf = new RegExp(`^received-spf:\\s*${word}\\b(?:.*\\bidentity=([^;\\s]+))?`, 'is')
const authResults = new RegExp(
  `^(?:arc-)?authentication-results:.*;\\s*spf\\s*=\\s*${word}(?:[^;]*?\\bsmtp\\.(\\S+?)\\s*=)?`,
  'is',
)

function scopeOf(identity: string | undefined): SpfOutcome['scope'] | undefined {
  const lower = identity?.toLowerCase() ?? 'mfrom'
  if (lower === 'helo') return 'helo'
  return lower === 'mfrom' || lower === 'mailfrom' ? 'mfrom' : undefined
}

/** The domain a helper wrote down, for DMARC alignment; '' when it did not. */
function domainIn(header: string, scope: SpfOutcome['scope']): string {
  const pattern =
    scope === 'helo'
      ? /(?:smtp\.)?helo=([^;\s"]+)/i
      : /(?:envelope-from|smtp\.mailfrom|smtp\.mfrom)="?<?([^;\s">]+)/i
  const identity = pattern.exec(header)?.[1] ?? ''
  return identity.slice(identity.lastIndexOf('@') + 1).toLowerCase()
}

export interface WrittenSpf {
  readonly mfrom?: SpfOutcome
  readonly helo?: SpfOutcome
}

/** SpamAssassin takes the oldest header first, as it was written at the border; `newest` turns that round. */
export function readWrittenSpf(views: Views, newest: boolean): WrittenSpf {
  const block = views.headers.get('ALL-INTERNAL') ?? ''
  const headers = block.split(/\n(?![ \t])/).filter((header) => header !== '')
  if (!newest) headers.reverse()
  const found: { mfrom?: SpfOutcome; helo?: SpfOutcome } = {}
  for (const header of headers) {
    const match = receivedSpf.exec(header) ?? authResults.exec(header)
    const scope = match ? scopeOf(match[2]) : undefined
    if (!match || scope === undefined || found[scope] !== undefined) continue
    const said = match[1]!.toLowerCase()
    const result = (said === 'hardfail' ? 'fail' : said) as AuthResult
    found[scope] = {
      result,
      scope,
      domain: domainIn(header, scope),
      comment: 'read from a header of our own side',
    }
  }
  return found
}
