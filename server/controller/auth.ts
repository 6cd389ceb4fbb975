// Who may do what on the controller (rspamd-protocol.md 3.2). In: the peer as the socket told it, and the request's headers. Out: rights.
// A trusted address loses its trust when a proxy forwards for somebody else; no header ever adds trust by itself.
import { createHash, timingSafeEqual } from 'node:crypto'
import { allowedNetworks } from '../allowed.js'
import type { HttpCall } from '../rspamd/http-scan.js'
import { passwordProblem, verifyPassword } from './password.js'

/** 'read' sees and scans, 'full' learns and resets; 'throttled' = too many wrong passwords from there. */
export type Rights = 'none' | 'read' | 'full' | 'throttled'

export interface AuthOptions {
  readonly password?: string
  readonly enablePassword?: string
  /** Addresses and networks with full rights without a password (rspamd's secure_ip). */
  readonly secureIps: readonly string[]
}

/** Wrong passwords of one source within the window; above it 429. A right password from elsewhere is not touched by it. */
const failuresMax = 10
const failureWindowMs = 60_000
/** Passwords verified at once; a KDF run is a tenth of a second of the event loop's thread. */
const checksMax = 8
/** Sources remembered; the oldest goes first. */
const sourcesMax = 10_000

/** What is wrong with the options, as sentences for the start of the server. */
export function authProblems(options: Pick<AuthOptions, 'password' | 'enablePassword'>): string[] {
  const named = [
    ['password', options.password],
    ['enable_password', options.enablePassword],
  ] as const
  return named.flatMap(([name, stored]) => {
    const problem = stored === undefined ? undefined : passwordProblem(stored)
    return problem ? [`${name}: ${problem}`] : []
  })
}

export class Authority {
  private readonly secure
  /** Passwords being verified now. */
  private checking = 0
  private readonly failures = new Map<string, { count: number; since: number }>()
  /** Digest of each password that was verified, so that a KDF runs once and not on every request. */
  private readonly verified: { readonly digest: Buffer; readonly rights: Rights }[] = []

  constructor(
    private readonly options: AuthOptions,
    private readonly now: () => number = Date.now,
  ) {
    this.secure = allowedNetworks(options.secureIps)
  }

  async rightsOf(call: HttpCall): Promise<Rights> {
    const source = sourceOf(call)
    if (source !== undefined && this.isTrusted(call, source)) return 'full'
    const { password, enablePassword } = this.options
    if (password === undefined && enablePassword === undefined) {
      return isLocal(call) ? 'read' : 'none'
    }
    const given = call.headers.get('password')
    if (given === undefined || given === '') return 'none'
    const known = this.knownRights(given)
    if (known) return known
    const throttleKey = this.isProxy(call) ? (source ?? call.peer.address) : call.peer.address
    if (this.checking >= checksMax || this.isThrottled(throttleKey)) return 'throttled'
    this.checking += 1
    const rights = await this.verify(given).finally(() => {
      this.checking -= 1
    })
    if (rights === 'none') this.countFailure(throttleKey)
    else this.verified.push({ digest: digestOf(given), rights })
    return rights
  }

  /** Only a peer that is trusted itself may name the client it speaks for. */
  private isProxy({ peer }: HttpCall): boolean {
    return peer.unix || this.secure(peer.address)
  }

  /** A unix socket's peer is trusted unless it forwards for somebody. */
  private isTrusted(call: HttpCall, source: string): boolean {
    if (call.peer.unix && source === call.peer.address) return true
    return this.secure(source) && this.isProxy(call)
  }

  private async verify(given: string): Promise<Rights> {
    const { password, enablePassword } = this.options
    if (enablePassword !== undefined && (await verifyPassword(given, enablePassword))) return 'full'
    if (password !== undefined && (await verifyPassword(given, password))) {
      return enablePassword === undefined ? 'full' : 'read'
    }
    return 'none'
  }

  private knownRights(given: string): Rights | undefined {
    const digest = digestOf(given)
    return this.verified.find((entry) => timingSafeEqual(entry.digest, digest))?.rights
  }

  private isThrottled(source: string): boolean {
    const entry = this.failures.get(source)
    if (!entry) return false
    if (this.now() - entry.since > failureWindowMs) this.failures.delete(source)
    return this.now() - entry.since <= failureWindowMs && entry.count >= failuresMax
  }

  private countFailure(source: string): void {
    const entry = this.failures.get(source)
    if (entry) entry.count += 1
    else this.failures.set(source, { count: 1, since: this.now() })
    if (this.failures.size > sourcesMax) this.failures.delete(this.failures.keys().next().value!)
  }
}

/** The address that counts: last element of X-Forwarded-For, else X-Real-IP, else the peer. Undefined when a header is unreadable. */
function sourceOf({ headers, peer }: HttpCall): string | undefined {
  const forwarded = headers.get('x-forwarded-for')?.split(',').at(-1) ?? headers.get('x-real-ip')
  if (forwarded === undefined) return peer.address
  const address = forwarded.trim().replace(/^\[(.*)\]$/, '$1')
  return /^[0-9a-f.:]+$/i.test(address) ? address : undefined
}

/** The request comes from this machine, and nobody says that it speaks for another. */
export function isLocal(call: HttpCall): boolean {
  if (call.peer.unix) return sourceOf(call) === call.peer.address
  return isLoopback(call.peer.address) && isLoopback(sourceOf(call) ?? '')
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^127\./.test(address)
}

function digestOf(password: string): Buffer {
  return createHash('sha256').update(password).digest()
}
