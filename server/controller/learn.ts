// /learnspam, /learnham, /learnclass. In: a raw message. Out: the codes that rspamc and sieve pipes rely on (rspamd-protocol.md 3.7): 200 learned or
// switched, 208 known already, 204 not worth learning - all three with a body, because rspamc exits 1 on an empty one.
import { CoreError } from '../../src/errors.js'
import type { Core, LearnOutcome, MailClass } from '../../src/types.js'
import { errorReply, type HttpReply, jsonReply } from '../http-reply.js'
import type { HttpCall } from '../rspamd/http-scan.js'
import { refuse } from '../rspamd/http-scan.js'
import { messageBytes, refusalOf, retrySeconds, ScanRefusal } from '../rspamd/scan.js'
import type { ControllerOptions, Route } from './context.js'

/** The name of our one classifier, as rspamd's default configuration calls its own. */
const classifierName = 'bayes'
/** The Message-ID is looked for in so many bytes: a header block can be as long as the mail. */
const headBytesMax = 64 * 1024

export const learnRoutes: Readonly<Record<string, Route>> = {
  '/learnspam': { needs: 'full', run: (call, { core, options }) => learn(call, 'spam', core, options) },
  '/learnham': { needs: 'full', run: (call, { core, options }) => learn(call, 'ham', core, options) },
  '/learnclass': {
    needs: 'full',
    run(call, { core, options }) {
      const name = call.headers.get('class')?.toLowerCase()
      if (name === 'spam' || name === 'ham') return learn(call, name, core, options)
      return errorReply(400, name ? `unknown class ${name}` : 'Class header missing')
    },
  },
}

async function learn(
  call: HttpCall,
  mailClass: MailClass,
  core: Core,
  options: ControllerOptions,
): Promise<HttpReply> {
  if (call.body.length === 0) return errorReply(400, 'Empty body is not permitted')
  const classifier = call.headers.get('classifier')
  if (classifier !== undefined && classifier !== classifierName) {
    return errorReply(404, `cannot find classifier with name ${classifier}`)
  }
  try {
    const raw = await messageBytes(call, options.scan)
    if (raw.length === 0) return errorReply(400, 'Empty body is not permitted')
    const user = userOf(call, options)
    const outcome = await core.learn({
      raw,
      class: mailClass,
      source: `controller ${call.peer.address}`,
      ...(user !== undefined && { user }),
    })
    return outcomeReply(outcome, mailClass, raw)
  } catch (error) {
    if (error instanceof CoreError && error.code === 'learning-refused') {
      return refuse(new ScanRefusal(503, error.message, 'task-error', retrySeconds), options.scan)
    }
    return refuse(refusalOf(error), options.scan)
  }
}

function outcomeReply(outcome: LearnOutcome, mailClass: MailClass, raw: Uint8Array): HttpReply {
  switch (outcome.status) {
    case 'known':
      return errorReply(208, `<${messageIdOf(raw)}> has been already learned as ${mailClass}, ignore it`)
    case 'refused':
      return errorReply(204, outcome.reason)
    case 'failed':
      return errorReply(500, outcome.reason)
    default:
      return jsonReply({ success: true })
  }
}

function userOf({ headers }: HttpCall, { scan }: ControllerOptions): string | undefined {
  if (scan.userFrom === 'none') return undefined
  const name = headers.get(scan.userFrom)?.replace(/^<(.*)>$/, '$1')
  return name === '' ? undefined : name
}

/** Without brackets; 'undef' when there is none, as rspamd says. */
export function messageIdOf(raw: Uint8Array): string {
  const head = Buffer.from(raw.buffer, raw.byteOffset, Math.min(raw.length, headBytesMax)).toString('latin1')
  const end = /\r?\n\r?\n/.exec(head)
  const field = /^message-id:[ \t]*(?:\r?\n[ \t]+)?<?([^>\s]+)/im.exec(
    end ? head.slice(0, end.index + 1) : head,
  )
  return field?.[1] ?? 'undef'
}
