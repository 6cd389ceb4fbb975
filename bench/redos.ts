// A rules file with 30 patterns that backtrack without end, and 30 mails made for them: how long does the other mail wait?
//   node dist/bench/redos.js [--seconds N] [--rate N] [--stock]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { corpus } from './corpus.js'
import { attackMail, hostile, hostileRules } from './hostile.js'
import { exchange, percentile, runLoad } from './speed/load.js'
import { startHamd } from './speed/servers.js'

const { values: args } = parseArgs({
  options: {
    seconds: { type: 'string', default: '15' },
    rate: { type: 'string', default: '40' },
    stock: { type: 'boolean', default: false },
  },
})

/** Names of the rules that the reply's notes call suspended. */
async function attack(port: number, mail: Buffer): Promise<readonly string[] | undefined> {
  const head = `POST /checkv2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${mail.length}\r\n\r\n`
  const answer = await exchange(port, Buffer.concat([Buffer.from(head), mail]))
  if (!answer?.startsWith('HTTP/1.1 200')) return undefined
  return [...answer.matchAll(/rule (EVIL_\d+)/g)].map((found) => found[1]!)
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-redos-'))
  const file = join(folder, 'evil.cf')
  writeFileSync(file, hostileRules())
  const server = await startHamd({
    stock: args.stock,
    bayes: true,
    workers: 2,
    rules: [file],
  })
  await server.fastPath()
  try {
    const durationMs = Number(args.seconds) * 1000
    const mails = corpus(8).map((mail) => mail.read())
    const load = {
      port: server.port,
      dialect: 'spamd' as const,
      mails,
      connections: 4,
      durationMs,
    }
    const paced = { ...load, rate: Number(args.rate) }
    // At full speed: for its first thousands of messages V8 compiles, and they would take longer than under any attack.
    await runLoad({ ...load, durationMs: 8000 }, 0)
    const calm = await runLoad(paced, 300)
    // Spread over the time: all at once would measure the queue.
    const attacks = hostile.map(async (one, number) => {
      await new Promise((resolve) => setTimeout(resolve, (durationMs * number) / hostile.length))
      const sentAt = performance.now()
      const named = await attack(server.port, attackMail(one))
      return { one, named, ms: performance.now() - sentAt }
    })
    const attacked = await runLoad(paced, 300)
    const answers = await Promise.all(attacks)
    const after = await runLoad(paced, 300)
    const p99 = [calm, attacked, after].map(({ latencies }) => percentile(latencies, 0.99))
    const answered = answers.filter(({ named }) => named)
    const named = answered.filter((answer) => answer.named!.includes(answer.one.name))
    const slowest = Math.max(...answers.map(({ ms }) => ms))
    console.log(
      `p99 of other mail: ${p99.map((ms) => ms.toFixed(1)).join(' / ')} ms before, during and after the attack ` +
        `(${(p99[1]! / Math.min(p99[0]!, p99[2]!)).toFixed(2)} times the better of the two); ` +
        `${calm.failed + attacked.failed + after.failed} others lost`,
    )
    console.log(
      `${answered.length} of ${hostile.length} attack mails answered, the slowest in ${slowest.toFixed(0)} ms; ` +
        `${named.length} without the rule they attack, which the reply names, the others judged in full`,
    )
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

await main()
