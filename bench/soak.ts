// hamd under siege: many connections at once, for long, with reloads, and among the clients some that stall, break off or lie about the
// length. Every honest message has to be answered, and memory has to stay flat after the first tenth. Ends with a verdict and its status.
//   node dist/bench/soak.js                                              1,000 connections, 10,000 messages
//   node dist/bench/soak.js --connections 16 --scans 100000 --reload 60  full load, a reload every minute
//   further: [--minutes N] instead of --scans, [--warm N] [--hostile SHARE] [--rules builtin|stock] [--workers N]
import { connect, type Socket } from 'node:net'
import { parseArgs } from 'node:util'
import { corpus } from './corpus.js'
import { scanOnce } from './speed/load.js'
import { family, memoryMb } from './speed/proc.js'
import { type HamdServer, startHamd } from './speed/servers.js'

const { values: args } = parseArgs({
  options: {
    scans: { type: 'string' },
    minutes: { type: 'string' },
    warm: { type: 'string', default: '10000' },
    connections: { type: 'string', default: '1000' },
    reload: { type: 'string', default: '0' },
    hostile: { type: 'string', default: '0.1' },
    rules: { type: 'string', default: 'builtin' },
    workers: { type: 'string', default: '2' },
  },
})
const scansMax = args.minutes === undefined ? Number(args.scans ?? 10_000) : Number(args.scans ?? Infinity)
const minutesMax = args.minutes === undefined ? Infinity : Number(args.minutes)
const connections = Number(args.connections)
const hostileShare = Number(args.hostile)
const reloadSeconds = Number(args.reload)

/** A client that stalls is patient for so long. */
const stallMs = 3000
const dripMs = 100
/** As spamc, who is turned away comes again after a second. */
const againMs = 1000
const attemptsMax = 120
const weighMs = 2000
const warmConnections = 16
/** Mails of each class that are taught first, so that Bayes has an opinion. */
const taught = 220
/** Memory counts as flat when it ends no higher than this above what it was after the first tenth. */
const growthMax = 1.1

const spamdHead = (length: number) => Buffer.from(`SYMBOLS SPAMC/1.5\r\nContent-length: ${length}\r\n\r\n`)
const httpHead = (length: number) =>
  Buffer.from(`POST /checkv2 HTTP/1.1\r\nContent-Length: ${length}\r\n\r\n`)

function drip(socket: Socket, bytes: Buffer): void {
  let at = 0
  const timer = setInterval(() => socket.write(bytes.subarray(at, ++at)), dripMs)
  socket.once('close', () => clearInterval(timer))
}

/** What clients do that do not keep to the protocol. */
const manners: readonly ((socket: Socket, mail: Buffer) => void)[] = [
  // Say half of it and wait.
  (socket, mail) => socket.write(Buffer.concat([spamdHead(mail.length), mail.subarray(0, mail.length / 2)])),
  (socket, mail) => socket.write(Buffer.concat([httpHead(mail.length), mail.subarray(0, mail.length / 2)])),
  // Say it byte by byte, or nothing at all.
  (socket) => drip(socket, spamdHead(1000)),
  (socket) => drip(socket, httpHead(1000)),
  () => {},
  // Go away before the answer, in order or by a reset.
  (socket, mail) =>
    socket.write(Buffer.concat([spamdHead(mail.length), mail]), () => setImmediate(() => socket.destroy())),
  (socket, mail) =>
    socket.write(Buffer.concat([httpHead(mail.length), mail]), () => socket.resetAndDestroy()),
  // Break off in the middle.
  (socket, mail) => socket.end(Buffer.concat([httpHead(mail.length), mail.subarray(0, mail.length / 2)])),
  // Promise more than they send, or less, or what nobody can send.
  (socket, mail) => socket.end(Buffer.concat([spamdHead(mail.length * 2), mail])),
  (socket, mail) => socket.end(Buffer.concat([spamdHead(10), mail])),
  (socket, mail) => socket.end(Buffer.concat([httpHead(10), mail])),
  (socket, mail) => socket.write(Buffer.concat([spamdHead(60_000_000), mail])),
  (socket, mail) => socket.write(Buffer.concat([httpHead(60_000_000), mail])),
]

function misbehave(port: number, mail: Buffer, manner: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const patience = setTimeout(() => socket.destroy(), stallMs)
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(patience)
      resolve()
    })
    socket.resume()
    manners[manner % manners.length]!(socket, mail)
  })
}

interface Tally {
  started: number
  answered: number
  lost: number
  /** Turned away and come again. */
  again: number
  hostile: number
}

async function siege(server: HamdServer, mails: readonly Buffer[], tally: Tally): Promise<void> {
  const until = performance.now() + minutesMax * 60_000
  const persist = async (number: number, mail: Buffer) => {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      if (await scanOnce(server.port, number % 2 === 0 ? 'spamd' : 'http', mail)) return true
      tally.again++
      await new Promise((resolve) => setTimeout(resolve, againMs))
    }
    return false
  }
  const client = async () => {
    while (tally.started < scansMax && performance.now() < until) {
      const number = tally.started++
      const mail = mails[number % mails.length]!
      if ((number * 7919) % 1000 < hostileShare * 1000) {
        await misbehave(server.port, mail, tally.hostile++)
      } else if (await persist(number, mail)) tally.answered++
      else tally.lost++
    }
  }
  await Promise.all(Array.from({ length: connections }, client))
}

/** Automata and V8 learn from the first thousands of messages, and take memory for it (docs/speed.md). */
async function warmUp(server: HamdServer, mails: readonly Buffer[]): Promise<void> {
  let next = 0
  const client = async () => {
    while (next < Number(args.warm)) await scanOnce(server.port, 'spamd', mails[next++ % mails.length]!)
  }
  await Promise.all(Array.from({ length: warmConnections }, client))
}

/**
 * Memory after the first tenth and at the end: the most in a part of the run, because V8 lets garbage grow to more than twice what is alive
 * before it collects all of it, and at a reload the workers hold two rulings for a while.
 */
function flatness(memory: readonly number[]): { readonly early: number; readonly late: number } {
  const { length } = memory
  return {
    early: Math.max(...memory.slice(Math.floor(length * 0.1), Math.ceil(length * 0.4))),
    late: Math.max(...memory.slice(Math.floor(length * 0.7))),
  }
}

async function main(): Promise<void> {
  const server = await startHamd({
    stock: args.rules === 'stock',
    bayes: true,
    workers: Number(args.workers),
  })
  try {
    const all = corpus(5)
    for (const spam of [true, false])
      for (const mail of all.filter((one) => one.spam === spam).slice(0, taught))
        await server.learn(mail.read(), spam)
    const mails = all.map((mail) => mail.read())
    await warmUp(server, mails)
    const tally: Tally = { started: 0, answered: 0, lost: 0, again: 0, hostile: 0 }
    const pids = server.pids.flatMap(family)
    const memory: number[] = []
    const weigh = setInterval(() => {
      memory.push(memoryMb(pids))
      const { started, lost, again } = tally
      process.stderr.write(
        `${started} begun, ${memory.at(-1)!.toFixed(0)} MB, ${server.reloads()} reloads, ${again} came again, ${lost} lost\n`,
      )
    }, weighMs)
    const reload =
      reloadSeconds > 0 && setInterval(() => process.kill(server.pids[0]!, 'SIGHUP'), reloadSeconds * 1000)
    const startedAt = performance.now()
    await siege(server, mails, tally)
    const seconds = (performance.now() - startedAt) / 1000
    if (reload) clearInterval(reload)
    clearInterval(weigh)
    const alive = await scanOnce(server.port, 'spamd', mails[0]!)
    const { early, late } = flatness(memory)
    const flat = late <= early * growthMax
    const { answered, lost, again, hostile } = tally
    console.log(
      `${answered} honest messages answered in ${seconds.toFixed(0)} s (${(answered / seconds).toFixed(0)}/s), ${lost} lost, ` +
        `${again} times turned away and come again; ${hostile} hostile clients; ${server.reloads()} reloads`,
    )
    console.log(
      `memory at most ${early.toFixed(0)} MB soon after the first tenth, ${late.toFixed(0)} MB towards the end, ${Math.max(...memory).toFixed(0)} MB in between`,
    )
    const passed = lost === 0 && flat && alive
    console.log(
      passed
        ? 'PASSED: every honest message answered, memory flat'
        : `FAILED: ${lost > 0 ? `${lost} messages lost` : flat ? 'no answer after the siege' : 'memory grew'}`,
    )
    if (!passed) process.exitCode = 1
  } finally {
    await server.stop()
  }
}

await main()
