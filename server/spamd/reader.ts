// Takes lines and bodies out of a socket. What comes while nobody asks for it pauses the socket, so a slow consumer holds the client back.
import type { Socket } from 'node:net'
import { Body } from '../body.js'

/** The connection broke before the client had finished; there is nobody left to answer. */
export class ConnectionLost extends Error {}

export type LineOutcome = { readonly text: string } | 'ended' | 'too-long'

const lineFeed = 0x0a
const carriageReturn = 0x0d

export class Reader {
  #pending: Buffer
  /** Bytes have come since somebody asked for more. */
  #fresh = false
  #ended: boolean
  /** A body of a told length has come as a whole. */
  #whole = false
  #lost = false
  #wake: (() => void) | undefined

  readonly #onData = (chunk: Buffer) => {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    this.#fresh = true
    if (this.#wake) this.#awake()
    else this.socket.pause()
  }

  /** Must be called in the tick in which the socket was handed over (sniff.ts). */
  constructor(
    private readonly socket: Socket,
    first: Buffer,
  ) {
    this.#pending = first
    this.#ended = socket.readableEnded
    socket.on('data', this.#onData)
    socket.on('end', () => {
      this.#ended = true
      this.#awake()
    })
    socket.on('close', () => {
      this.#lost ||= !this.#ended
      this.#awake()
    })
  }

  /** The client has nothing more to say: it has ended its side, or sent what it had announced and not a byte more. */
  get heardAll(): boolean {
    return this.#ended || (this.#whole && this.#pending.length === 0)
  }

  /** The next line without its LF or CRLF; what is left at the end of the stream counts as a line. Nearly always it is there already. */
  line(bytesMax: number): LineOutcome | Promise<LineOutcome> {
    return this.#lineHere(bytesMax) ?? this.#lineToCome(bytesMax)
  }

  /** Exactly `size` bytes, or fewer when the stream ends before. */
  async bytes(size: number): Promise<Uint8Array> {
    const body = new Body(size)
    while (body.length < size) {
      if (this.#pending.length === 0 && !(await this.#more())) break
      body.add(this.#take(Math.min(this.#pending.length, size - body.length)))
    }
    this.#whole = body.length === size
    return body.finish()
  }

  /**
   * Everything to the end of the stream; undefined when it is more than `bytesMax`. With `enough` a client that stays open is taken
   * at its word: that many bytes, unless more or the end follows within `patienceMs`.
   */
  async rest(bytesMax: number, enough?: number, patienceMs = 0): Promise<Uint8Array | undefined> {
    const body = new Body()
    for (;;) {
      if (body.length + this.#pending.length > bytesMax) return undefined
      if (this.#pending.length > 0) body.add(this.#take(this.#pending.length))
      const outcome =
        enough !== undefined && body.length >= enough
          ? await this.#moreWithin(patienceMs)
          : await this.#more()
      if (outcome !== true) return outcome === 'silent' ? body.finish().subarray(0, enough) : body.finish()
    }
  }

  /** Gives the socket back: from now on whatever the client still sends is thrown away. */
  discard(): void {
    // Who still waits for bytes must not take the client's farewell for the end of its message.
    this.#lost = true
    this.socket.off('data', this.#onData)
    this.socket.resume()
  }

  /** What has come beyond the bytes taken, without waiting. */
  arrived(): Buffer {
    return this.#pending
  }

  #lineHere(bytesMax: number): LineOutcome | undefined {
    const at = this.#pending.indexOf(lineFeed)
    if ((at < 0 ? this.#pending.length : at) > bytesMax) return 'too-long'
    if (at < 0) return undefined
    const end = at > 0 && this.#pending[at - 1] === carriageReturn ? at - 1 : at
    const text = this.#pending.toString('latin1', 0, end)
    this.#take(at + 1)
    return { text }
  }

  async #lineToCome(bytesMax: number): Promise<LineOutcome> {
    while (await this.#more()) {
      const line = this.#lineHere(bytesMax)
      if (line !== undefined) return line
    }
    if (this.#pending.length === 0) return 'ended'
    return { text: this.#take(this.#pending.length).toString('latin1') }
  }

  #take(size: number): Buffer {
    const taken = this.#pending.subarray(0, size)
    this.#pending = this.#pending.subarray(size)
    return taken
  }

  #awake(): void {
    this.#wake?.()
    this.#wake = undefined
  }

  /** Waits for at least one more byte; false at the end of the stream. */
  async #more(): Promise<boolean> {
    for (;;) {
      if (this.#lost) throw new ConnectionLost('the client went away')
      if (this.#fresh) {
        this.#fresh = false
        return true
      }
      if (this.#ended) return false
      if (this.socket.destroyed) throw new ConnectionLost('the client went away')
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        this.socket.resume()
      })
    }
  }

  async #moreWithin(ms: number): Promise<boolean | 'silent'> {
    let timer: NodeJS.Timeout | undefined
    const silence = new Promise<'silent'>((resolve) => {
      timer = setTimeout(() => resolve('silent'), ms)
    })
    const outcome = await Promise.race([this.#more(), silence])
    clearTimeout(timer)
    return outcome
  }
}
