// /learnspam, /learnham, /learnclass: a raw message in; /learn: the id of a scan in, without its message. Out: the codes that rspamc and sieve
// pipes rely on (rspamd-protocol.md 3.7): 200 learned, switched or forgotten, 208 known already, 204 not worth learning - all with a body,
// because rspamc exits 1 on an empty one.
import { CoreError } from '../../src/errors.js'
import type { LearnOutcome, LearnRequest } from '../../src/types.js'
import { errorReply, type HttpReply, jsonReply } from '../http-reply.js'
import type { HttpCall } from '../rspamd/http-scan.js'
import { refuse } from '../rspamd/http-scan.js'
import { isObject } from '../rspamd/request.js'
import { messageBytes, refusalOf, retrySeconds, ScanRefusal } from '../rspamd/scan.js'
import { isLocal } from './auth.js'
import type { ControllerOptions, Route, RouteContext } from './context.js'

/** The name of our one classifier, as rspamd's default configuration calls its own. */
const classifierName = 'bayes'
/** The Message-ID is looked for in so many bytes: a header block can be as long as the mail. */
const headBytesMax = 64 * 1024

type Taught = LearnRequest['class']

export const learnRoutes: Readonly<Record<string, Route>> = {
  '/learnspam': { needs: 'full', run: (call, context) => learn(call, 'spam', context) },
  '/learnham': { needs: 'full', run: (call, context) => learn(call, 'ham', context) },
  '/learnclass': {
    needs: 'full',
    run(call, context) {
      const name = call.headers.get('class')?.toLowerCase()
      if (isTaught(name)) return learn(call, name, context)
      return errorReply(400, name ? `unknown class ${name}` : 'Class header missing')
    },
  },
  '/learn': { needs: 'full', run: learnById },
}

function isTaught(name: unknown): name is Taught {
  return name === 'spam' || name === 'ham' || name === 'forget'
}

async function learn(call: HttpCall, mailClass: Taught, context: RouteContext): Promise<HttpReply> {
  const { core, options } = context
  if (call.body.length === 0) return errorReply(400, 'Empty body is not permitted')
  const classifier = call.headers.get('classifier')
  if (classifier !== undefined && classifier !== classifierName) {
    return errorReply(404, `cannot find classifier with name ${classifier}`)
  }
  return answered(options, async () => {
    const raw = await messageBytes(call, options.scan)
    if (raw.length === 0) return errorReply(400, 'Empty body is not permitted')
    const user = userOf(call, options)
    const outcome = await core.learn({
      raw,
      class: mailClass,
      source: sourceOf(call),
      ...(user !== undefined && { user }),
    })
    return outcomeReply(outcome, mailClass, messageIdOf(raw))
  })
}

/** `{"id": scan, "class": "spam" | "ham" | "forget", "user"?: name}`. */
async function learnById(call: HttpCall, { core, options }: RouteContext): Promise<HttpReply> {
  const given = readJson(call.body)
  if (!given) return errorReply(400, 'the body is no JSON object')
  const { id, class: mailClass, user } = given
  if (typeof id !== 'string' || id === '') return errorReply(400, 'id missing: give the scan-id of a reply')
  if (!isTaught(mailClass)) return errorReply(400, 'class must be spam, ham or forget')
  if (user !== undefined && typeof user !== 'string') return errorReply(400, 'user must be a string')
  return answered(options, async () => {
    const outcome = await core.learnScan({
      scanId: id,
      class: mailClass,
      source: sourceOf(call),
      ...(user !== undefined && { user }),
    })
    // Here nobody expects rspamd's 204, whose body most clients never see.
    if (outcome.status === 'refused') return errorReply(409, outcome.reason)
    return outcomeReply(outcome, mailClass, id)
  })
}

export function readJson(body: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

async function answered(options: ControllerOptions, work: () => Promise<HttpReply>): Promise<HttpReply> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof CoreError && error.code === 'learning-refused') {
      return refuse(new ScanRefusal(503, error.message, 'task-error', retrySeconds), options.scan)
    }
    return refuse(refusalOf(error), options.scan)
  }
}

function outcomeReply(outcome: LearnOutcome, mailClass: Taught, id: string): HttpReply {
  switch (outcome.status) {
    case 'known':
      return errorReply(208, `<${id}> has been already learned as ${mailClass}, ignore it`)
    case 'unknown':
      return errorReply(208, `<${id}> has never been learned, ignore it`)
    case 'refused':
      return errorReply(204, outcome.reason)
    case 'failed':
      return errorReply(500, outcome.reason)
    default:
      return jsonReply({ success: true })
  }
}

/** Commands on the control socket say who ran them: their learnings are the admin's own in the ledger. */
function sourceOf(call: HttpCall): string {
  const { headers, peer } = call
  const account = headers.get('learn-source')
  return peer.unix && isLocal(call) && account !== undefined && /^[\w. -]{1,64}$/.test(account)
    ? account
    : `controller ${peer.address}`
}

/** Who may learn may say for whom (`Learn-User`); else the header that the configuration names. */
function userOf({ headers }: HttpCall, { scan }: ControllerOptions): string | undefined {
  const named = headers.get('learn-user')
  if (named !== undefined && named !== '') return named
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
