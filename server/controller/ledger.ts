// The learner's ledger for the people who look after it: what was taught, by whom, taken back or let count by a filter, copied and put back.
// In: JSON bodies. Out: JSON. Changes are previews unless the request says `"preview": false`; files are only named over a unix socket,
// because they are read and written with the rights of the server.
import { isAbsolute } from 'node:path'
import type { RowFilter } from '../../bayes/index.js'
import { errorReply, type HttpReply, jsonReply } from '../http-reply.js'
import type { HttpCall } from '../rspamd/http-scan.js'
import type { LedgerDoor, Route, RouteContext } from './context.js'
import { readJson } from './learn.js'

/** Rows of one answer; the newest are the ones a filter is made for. */
const rowsMax = 10_000
const rowsByDefault = 1000

const states = ['counted', 'held', 'superseded', 'revoked'] as const

export const ledgerRoutes: Readonly<Record<string, Route>> = {
  '/ledger': onFilter(async (door, filter, given) => {
    const limit = typeof given['limit'] === 'number' ? Math.min(rowsMax, given['limit']) : rowsByDefault
    return { rows: await door.rows(filter, limit) }
  }),
  '/ledger/revoke': onFilter((door, filter, given) => door.revoke(filter, given['preview'] !== false)),
  '/ledger/release': onFilter((door, filter, given) => door.release(filter, given['preview'] !== false)),
  '/ledger/held': onDoor(async (door) => ({ held: await door.held() })),
  '/ledger/doubtful': onDoor(async (door) => ({ doubtful: await door.doubtful() })),
  '/backup': onFile((door, file) => door.backup(file)),
  '/restore': onFile((door, file) => door.restore(file)),
  '/import': onFile((door, file) => door.importSaLearn(file)),
}

function onDoor(work: (door: LedgerDoor, call: HttpCall) => Promise<unknown>): Route {
  return {
    needs: 'full',
    async run(call, { options }: RouteContext): Promise<HttpReply> {
      if (!options.ledger) return errorReply(503, 'hamd runs without a learner')
      try {
        return jsonReply((await work(options.ledger, call)) ?? { success: true })
      } catch (error) {
        if (error instanceof BadRequest) return errorReply(error.status, error.message)
        throw error
      }
    },
  }
}

function onFilter(
  work: (door: LedgerDoor, filter: RowFilter, given: Record<string, unknown>) => Promise<object>,
): Route {
  return onDoor((door, { body }) => {
    const given = body.length === 0 ? {} : readJson(body)
    if (!given) throw new BadRequest(400, 'the body is no JSON object')
    return work(door, filterOf(given), given)
  })
}

function onFile(work: (door: LedgerDoor, file: string) => Promise<unknown>): Route {
  return onDoor(async (door, { body, peer }) => {
    if (!peer.unix) throw new BadRequest(403, 'files are named over a unix socket only')
    const file = readJson(body)?.['file']
    if (typeof file !== 'string' || !isAbsolute(file))
      throw new BadRequest(400, 'file must be an absolute path')
    return work(door, file)
  })
}

class BadRequest extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }
}

/** A filter as JSON: owner, source, scanId, seq, fromMs, toMs, states. What is there and unreadable is refused: it would take back too much. */
function filterOf(given: Record<string, unknown>): RowFilter {
  const text = (key: string) => pick(given, key, (value) => typeof value === 'string')
  const number = (key: string) =>
    pick(given, key, (value) => typeof value === 'number' && Number.isFinite(value))
  const known = (value: unknown) =>
    Array.isArray(value) && value.every((state) => (states as readonly unknown[]).includes(state))
  return {
    ...text('owner'),
    ...text('source'),
    ...text('scanId'),
    ...number('seq'),
    ...number('fromMs'),
    ...number('toMs'),
    ...pick(given, 'states', known),
  } as RowFilter
}

function pick(
  given: Record<string, unknown>,
  key: string,
  isRight: (value: unknown) => boolean,
): Record<string, unknown> {
  const value = given[key]
  if (value === undefined) return {}
  if (!isRight(value)) throw new BadRequest(400, `${key} cannot be read`)
  return { [key]: value }
}
