// clamd behind one address, through the clamscan package: bytes in, a typed outcome out, never a rejection. The package fails open
// (it resolves with isInfected null when clamd stays silent, closes early or stammers: ecosystem.md 5), so here only the two clear
// sentences of clamd count: `OK` is clean, `FOUND` is infected, everything else is a failure with its reason.
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type NodeClam from 'clamscan'
import { requirePackage } from '../commonjs.js'
import { clamdBytesMax, clamdInFlightMax, clamdMs } from '../limits.js'
import type { Clamd, VirusOutcome } from '../types.js'
import { setAlarm } from './alarm.js'

/** The part of the package that its types call private: the only way to a socket that must end with the deadline. */
interface SocketMaker {
  _initSocket(label: string): Promise<Socket>
}

interface ScanResult {
  readonly isInfected: boolean | null
  readonly viruses: readonly string[]
  readonly resultString?: string
}

function failed(reason: string): VirusOutcome {
  return { status: 'failed', reason }
}

/** 'host:port', '[v6]:port', 'unix:/path' or '/path'. */
export function parseClamdAddress(address: string): { socket: string } | { host: string; port: number } {
  if (address.startsWith('unix:')) return { socket: address.slice(5) }
  if (address.startsWith('/')) return { socket: address }
  const found = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(address)
  if (found === null) throw new Error(`clamd address '${address}': write host:port or unix:/path`)
  return { host: (found[1] ?? found[2])!, port: Number(found[3]) }
}

async function openScanner(address: string): Promise<NodeClam> {
  // Empty paths and no fallback: on a host with clamdscan installed the package would fork processes. bypassTest: a clamd that is
  // down now may be up for the next message, so it must not keep the server from starting.
  return new (requirePackage<typeof NodeClam>('clamscan'))().init({
    clamscan: { active: false, path: '' },
    clamdscan: {
      ...parseClamdAddress(address),
      path: '',
      timeout: clamdMs,
      localFallback: false,
      bypassTest: true,
    },
  })
}

function judge(result: ScanResult): VirusOutcome {
  const said = (result.resultString ?? '').split('\0').join('').trim()
  if (result.isInfected === true && result.viruses.length > 0) {
    return { status: 'infected', viruses: result.viruses }
  }
  if (result.isInfected === false && /^stream: OK$/.test(said)) return { status: 'clean' }
  if (said === '') return failed('clamd gave no answer')
  return failed(`clamd answered ${JSON.stringify(said.slice(0, 200))}`)
}

function reasonOf(error: unknown): string {
  const { message, data, code } = error as NodeJS.ErrnoException & { data?: { error?: string } }
  const text = [message, data?.error].filter(Boolean).join(' ')
  if (text.includes('INSTREAM size limit exceeded')) return 'clamd: INSTREAM size limit exceeded'
  // clamd says its sentence about the limit and closes while we still write; mostly only the closing reaches us.
  const hint = code === 'EPIPE' || code === 'ECONNRESET' ? ' (message over its StreamMaxLength?)' : ''
  return `clamd: ${text.split('\0').join('').trim().slice(0, 200)}${hint}`
}

function scanOnce(scanner: NodeClam, raw: Uint8Array, until: number): Promise<VirusOutcome> {
  return new Promise((resolve) => {
    let socket: Socket | undefined
    let isOver = false
    const finish = (outcome: VirusOutcome) => {
      if (isOver) return
      isOver = true
      alarm.clear()
      socket?.destroy()
      resolve(outcome)
    }
    const giveUp = () => finish(failed('clamd: no answer in time'))
    const alarm = setAlarm(until - Date.now(), giveUp)
    // A child object per scan: it shares the package's settings and hands us this scan's own socket.
    const one = Object.create(scanner) as SocketMaker & Pick<NodeClam, 'scanStream'>
    const makeSocket = (scanner as unknown as SocketMaker)._initSocket
    one._initSocket = async (label) => {
      socket = await makeSocket.call(scanner, label)
      if (isOver) socket.destroy()
      const emit = socket.emit.bind(socket)
      // The package prints socket errors on the console and does not hear an abrupt close; both end here.
      socket.emit = (event: string, ...rest: unknown[]) => {
        if (event === 'error') finish(failed(reasonOf(rest[0])))
        else if (event === 'close' && !isOver) finish(failed('clamd closed the connection'))
        return event === 'error' || emit(event, ...rest)
      }
      return socket
    }
    const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength)
    one.scanStream(Readable.from(bytes, { objectMode: false })).then(
      (result) => finish(judge(result)),
      (error: unknown) => finish(failed(reasonOf(error))),
    )
  })
}

const busy = failed('clamd: busy, no free connection in time')

/** Never rejects and never throws, whatever state clamd is in; an address that can't be read is a configuration error and throws. */
export function createClamd(address: string): Clamd {
  parseClamdAddress(address)
  let scanner: Promise<NodeClam> | undefined
  let inFlight = 0
  const waiting: (() => void)[] = []

  async function scan(raw: Uint8Array, deadline: number): Promise<VirusOutcome> {
    if (raw.byteLength > clamdBytesMax) return failed(`message is larger than ${clamdBytesMax} bytes`)
    // clamd calls an empty stream an unknown command, and nothing holds no virus.
    if (raw.byteLength === 0) return { status: 'clean' }
    const until = Math.min(deadline, Date.now() + clamdMs)
    if (inFlight < clamdInFlightMax) inFlight += 1
    else if (!(await turn(until))) return busy
    try {
      if (Date.now() >= until) return busy
      scanner ??= openScanner(address)
      return await scanOnce(await scanner, raw, until)
    } catch (error) {
      return failed(reasonOf(error))
    } finally {
      const next = waiting.shift()
      if (next === undefined) inFlight -= 1
      else next()
    }
  }

  /** A place handed on by a scan that ended; false when the deadline was sooner. */
  function turn(until: number): Promise<boolean> {
    return new Promise((resolve) => {
      const take = () => {
        clearTimeout(timer)
        resolve(true)
      }
      const timer = setTimeout(
        () => {
          waiting.splice(waiting.indexOf(take), 1)
          resolve(false)
        },
        Math.max(0, until - Date.now()),
      )
      waiting.push(take)
    })
  }

  return { scan }
}

/** The harmless test virus every scanner knows, in pieces so that no scanner takes this file for one. */
const eicar = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-', 'STANDARD-ANTIVIRUS', '-TEST-FILE!$H+H*'].join('')

export type ClamdCheck =
  | { readonly status: 'sees'; readonly virus: string }
  /** clamd answers, but calls the test virus clean: its signature database is empty or broken. */
  | { readonly status: 'blind' }
  | { readonly status: 'failed'; readonly reason: string }

/** Asks whether the scanner really sees viruses; meant for the start and for health checks. */
export async function checkClamd(clamd: Clamd, deadline: number): Promise<ClamdCheck> {
  const outcome = await clamd.scan(Buffer.from(eicar), deadline)
  if (outcome.status === 'infected') return { status: 'sees', virus: outcome.viruses[0] ?? '' }
  return outcome.status === 'clean' ? { status: 'blind' } : outcome
}
