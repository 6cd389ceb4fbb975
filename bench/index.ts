// `npm run bench`: hamd beside SpamAssassin's spamd and rspamd on the same mail with the same number of connections, in one run, taking
// turns, so that a busy machine slows all of them alike and the ratios stay. Needs the programs that `npm run peers` installs.
//   npm run bench -- [--seconds N a turn] [--turns N] [--connections N] [--workers N] [--warm N] [--only WORD,WORD]
import { parseArgs } from 'node:util'
import { corpus } from './corpus.js'
import { type LoadResult, percentile, runLoad, scanOnce } from './speed/load.js'
import { cpuMs, family, memoryMb } from './speed/proc.js'
import {
  type HamdServer,
  missingPeers,
  type Server,
  startHamd,
  startRspamd,
  startSpamd,
} from './speed/servers.js'

const { values: args } = parseArgs({
  options: {
    seconds: { type: 'string', default: '6' },
    turns: { type: 'string', default: '4' },
    connections: { type: 'string', default: '8' },
    workers: { type: 'string', default: '2' },
    warm: { type: 'string', default: '7500' },
    only: { type: 'string', default: '' },
  },
})
const durationMs = Number(args.seconds) * 1000
const turns = Number(args.turns)
const connections = Number(args.connections)
const workers = Number(args.workers)
/** Scans before anything is counted: V8 and the automata go on learning for some thousand. */
const warmUpsMax = Number(args.warm)
/** So many mails serve for that, again and again: those that are timed have not been seen before. */
const warmMails = 2500
const only = args.only.split(',').filter((word) => word !== '')
const memoryEveryMs = 400
/** Mails of each class that a server learns: all of them speak from 200 on. */
const learnedEach = 220

/** What a server did in all its turns. */
class Score {
  answered = 0
  failed = 0
  seconds = 0
  cpu = 0
  memory = 0
  readonly latencies: number[] = []
  halfRate: readonly number[] = []
  private next = 0

  constructor(readonly server: Server) {}

  /** One turn; the servers that wait use no CPU. */
  async turn(mails: readonly Buffer[], rate?: number): Promise<LoadResult> {
    const { server } = this
    const pids = server.pids.flatMap(family)
    const before = this.cpuNow
    const watch = setInterval(() => this.weigh(pids), memoryEveryMs)
    const load = { port: server.port, dialect: server.dialect, mails, connections, durationMs }
    const result = await runLoad(rate === undefined ? load : { ...load, rate }, this.next)
    clearInterval(watch)
    this.weigh(pids)
    this.next += result.answered
    if (rate === undefined) {
      this.cpu += this.cpuNow - before
      this.answered += result.answered
      this.failed += result.failed
      this.seconds += result.seconds
      this.latencies.push(...result.latencies)
    } else this.halfRate = result.latencies
    return result
  }

  private get cpuNow(): number {
    return this.server.pids.reduce((sum, pid) => sum + cpuMs(pid), 0)
  }

  private weigh(pids: readonly number[]): void {
    this.memory = Math.max(this.memory, memoryMb(pids))
  }

  get perSecond(): number {
    return this.answered / this.seconds
  }
}

async function train(server: Server, mails: readonly { spam: boolean; read(): Buffer }[]): Promise<void> {
  progress(`${server.name} learns`)
  for (const mail of mails) await server.learn(mail.read(), mail.spam)
}

/** Untimed scans, so that every server has compiled and cached what it ever will on this kind of mail. */
async function warm(server: Server, mails: readonly Buffer[], scans: number): Promise<void> {
  let next = 0
  const one = async () => {
    while (next < scans) await scanOnce(server.port, server.dialect, mails[next++ % mails.length]!)
  }
  await Promise.all(Array.from({ length: connections }, one))
}

function progress(text: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`)
}

function wanted(name: string): boolean {
  return only.length === 0 || only.some((word) => name.includes(word))
}

async function startAll(startUps: string[]): Promise<Server[]> {
  const servers: Server[] = []
  const add = async (name: string, start: () => Promise<Server>) => {
    if (!wanted(name)) return
    progress(`${name} starts`)
    servers.push(await start())
  }
  await Promise.all([add('spamd', startSpamd), add('rspamd + Redis Bayes', startRspamd)])
  await add('hamd stock', () => startTwice('hamd stock', 'spamd', true, false, startUps))
  await add('hamd stock + Bayes', () => startTwice('hamd stock + Bayes', 'http', true, true, startUps))
  await add('hamd built-in + Bayes', () => startTwice('hamd built-in + Bayes', 'http', false, true, startUps))
  return servers
}

/** A first start, then one with what the first has saved. */
async function startTwice(
  name: string,
  dialect: 'spamd' | 'http',
  stock: boolean,
  bayes: boolean,
  startUps: string[],
): Promise<HamdServer> {
  const options = { name, dialect, stock, bayes, workers }
  const first = await startHamd(options)
  const fastAt = performance.now()
  await first.fastPath()
  const fastMs = first.startMs + performance.now() - fastAt
  const { folder } = first
  await first.stop(true)
  const second = await startHamd({ ...options, folder })
  startUps.push(
    `${name}: ready ${seconds(first.startMs)} first time (fast path ${seconds(fastMs)}), ${seconds(second.startMs)} with saved tables`,
  )
  return second
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`

async function main(): Promise<void> {
  const missing = missingPeers()
  if (missing.length > 0) throw new Error(`not installed: ${missing.join(', ')}; npm run peers installs it`)
  const all = corpus()
  const order = shuffled(all)
  const learned = [true, false].flatMap((spam) =>
    order.filter((mail) => mail.spam === spam).slice(0, learnedEach),
  )
  const mails = order.filter((mail) => !learned.includes(mail)).map((mail) => mail.read())
  const startUps: string[] = []
  const servers = await startAll(startUps)
  try {
    for (const server of servers) if (server.name.includes('Bayes')) await train(server, learned)
    progress('warm-up')
    const warmUps = mails.splice(0, warmMails)
    for (const server of servers) await warm(server, warmUps, server.name === 'spamd' ? 40 : warmUpsMax)
    const scores = servers.map((server) => new Score(server))
    for (let turn = 0; turn < turns; turn++) {
      for (const score of scores) {
        const { answered, seconds } = await score.turn(mails)
        progress(`turn ${turn + 1}: ${score.server.name} ${(answered / seconds).toFixed(1)}/s`)
      }
    }
    await half(scores, mails)
    report(scores, startUps)
  } finally {
    for (const server of servers) await server.stop()
  }
}

/** Latencies at half of rspamd's peak: what a client feels on a server that is busy, not drowned. */
async function half(scores: readonly Score[], mails: readonly Buffer[]): Promise<void> {
  const peak = scores.find(({ server }) => server.name === 'rspamd + Redis Bayes')?.perSecond
  if (peak === undefined) return
  for (const score of scores) {
    if (score.server.name !== 'spamd') await score.turn(mails, peak / 2)
  }
}

function report(scores: readonly Score[], startUps: readonly string[]): void {
  const of = (name: string) => scores.find(({ server }) => server.name === name)
  console.log(`${connections} connections, ${workers} workers, ${turns} turns of ${args.seconds} s\n`)
  console.log(
    '| server | messages/s | CPU ms/message | p50 ms | p95 | p99 | p99 at half rate | memory MB | failed |',
  )
  console.log('|---|---|---|---|---|---|---|---|---|')
  for (const score of scores) {
    const sorted = score.latencies.sort((a, b) => a - b)
    const cells = [
      score.perSecond.toFixed(1),
      (score.cpu / score.answered).toFixed(2),
      ...[0.5, 0.95, 0.99].map((share) => percentile(sorted, share).toFixed(1)),
      score.halfRate.length > 0 ? percentile(score.halfRate, 0.99).toFixed(1) : '',
      score.memory.toFixed(0),
      String(score.failed),
    ]
    console.log(`| ${score.server.name} | ${cells.join(' | ')} |`)
  }
  const ratio = (what: string, a: Score | undefined, b: Score | undefined) => {
    if (a && b) console.log(`${what}: ${(a.perSecond / b.perSecond).toFixed(2)}`)
  }
  console.log('')
  const peer = of('rspamd + Redis Bayes')
  ratio('stock rules, messages/s against spamd', of('hamd stock'), of('spamd'))
  ratio('stock rules + Bayes against rspamd + Redis Bayes', of('hamd stock + Bayes'), peer)
  ratio('built-in rules + Bayes against rspamd + Redis Bayes', of('hamd built-in + Bayes'), peer)
  const ours = of('hamd stock + Bayes')
  if (ours && peer && peer.halfRate.length > 0)
    console.log(
      `p99 at half of rspamd's rate, stock rules + Bayes against rspamd: ${(percentile(ours.halfRate, 0.99) / percentile(peer.halfRate, 0.99)).toFixed(2)}`,
    )
  for (const line of startUps) console.log(line)
}

/** The same order in every run. */
function shuffled<T>(list: readonly T[]): T[] {
  const out = [...list]
  let state = 1
  for (let index = out.length - 1; index > 0; index--) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    const other = state % (index + 1)
    ;[out[index], out[other]] = [out[other]!, out[index]!]
  }
  return out
}

await main()
