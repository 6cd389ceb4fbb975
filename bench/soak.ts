// hamd under siege: many connections at once for a long time, a reload every so often, and among the clients some that stall, break off
// or lie about the length. Every honest message has to be answered and memory has to stay flat after the first tenth.
//   node dist/bench/soak.js [--scans N] [--connections N] [--reload SECONDS] [--rules builtin|stock]
import { connect } from 'node:net'
import { parseArgs } from 'node:util'
import { corpus } from './corpus.js'
import { scanOnce } from './speed/load.js'
import { family, memoryMb } from './speed/proc.js'
import { startHamd } from './speed/servers.js'

const { values: args } = parseArgs({
  options: {
    scans: { type: 'string', default: '100000' },
    connections: { type: 'string', default: '1000' },
    reload: { type: 'string', default: '60' },
    rules: { type: 'string', default: 'builtin' },
  },
})
const scans = Number(args.scans)
const hostileShare = 0.1
const stallMs = 3000
const attemptsMax = 120

/** One client that does not keep to the protocol. */
function misbehave(port: number, mail: Buffer, manner: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.on('close', () => resolve())
    socket.resume()
    const head = (length: number) => `SYMBOLS SPAMC/1.5\r\nContent-length: ${length}\r\n\r\n`
    if (manner === 0) {
      // Says half of it and waits.
      socket.write(Buffer.concat([Buffer.from(head(mail.length)), mail.subarray(0, mail.length / 2)]))
      setTimeout(() => socket.destroy(), stallMs)
    } else if (manner === 1) {
      // Goes away before the answer.
      socket.write(Buffer.concat([Buffer.from(head(mail.length)), mail]), () => socket.destroy())
    } else {
      // Promises more than it sends, or less.
      socket.end(Buffer.concat([Buffer.from(head(manner === 2 ? mail.length * 2 : 10)), mail]))
    }
  })
}

async function main(): Promise<void> {
  const server = await startHamd({
    name: 'hamd',
    dialect: 'spamd',
    stock: args.rules === 'stock',
    bayes: true,
    workers: 2,
  })
  await server.fastPath()
  const mails = corpus(5).map((mail) => mail.read())
  const pids = server.pids.flatMap(family)
  let pushedBack = 0
  /** As spamc does: who is turned away because the queue is full comes again a second later. */
  const persist = async (port: number, number: number, mail: Buffer) => {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      if (await scanOnce(port, number % 2 === 0 ? 'spamd' : 'http', mail)) return true
      pushedBack++
      await new Promise((resolve) => setTimeout(resolve, 1000))
    }
    return false
  }
  let started = 0
  let answered = 0
  let lost = 0
  let reloads = 0
  const reload = setInterval(() => {
    reloads++
    process.kill(server.pids[0]!, 'SIGHUP')
  }, Number(args.reload) * 1000)
  const memory: number[] = []
  const startedAt = performance.now()
  const weigh = setInterval(() => {
    memory.push(memoryMb(pids))
    const share = (answered / scans) * 100
    process.stderr.write(
      `${share.toFixed(0)} %: ${memory.at(-1)!.toFixed(0)} MB, ${reloads} reloads, ${lost} lost\n`,
    )
  }, 5000)
  const one = async () => {
    while (started < scans) {
      const number = started++
      const mail = mails[number % mails.length]!
      if ((number * 7919) % 1000 < hostileShare * 1000) await misbehave(server.port, mail, number % 4)
      else if (await persist(server.port, number, mail)) answered++
      else lost++
    }
  }
  await Promise.all(Array.from({ length: Number(args.connections) }, one))
  clearInterval(reload)
  clearInterval(weigh)
  const seconds = (performance.now() - startedAt) / 1000
  const tenth = memory[Math.floor(memory.length / 10)] ?? Number.NaN
  console.log(
    `${answered} honest messages answered, ${lost} lost, ${pushedBack} times pushed back, ${reloads} reloads, ${(answered / seconds).toFixed(0)}/s; memory ` +
      `${tenth.toFixed(0)} MB after the first tenth, ${(memory.at(-1) ?? Number.NaN).toFixed(0)} at the end, ` +
      `${Math.max(...memory).toFixed(0)} at most`,
  )
  await server.stop()
  if (lost > 0) process.exitCode = 1
}

await main()
