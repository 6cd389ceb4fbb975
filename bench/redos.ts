// A rules file with 30 patterns that backtrack without end, and 30 mails made for them: how long does the other mail wait?
//   node dist/bench/redos.js [--seconds N]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { corpus } from './corpus.js'
import { percentile, runLoad, scanOnce } from './speed/load.js'
import { startHamd } from './speed/servers.js'

const { values: args } = parseArgs({ options: { seconds: { type: 'string', default: '15' } } })
const patterns = 30

/** Half of them with a back reference, where V8's linear engine cannot help. */
function rule(number: number): string {
  const tail = number % 2 === 0 ? '\\1!' : '!'
  return `body EVIL_${number} /start${number}x(?:(a+)+)+${tail}$/\nscore EVIL_${number} 1\n`
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-redos-'))
  const file = join(folder, 'evil.cf')
  writeFileSync(file, Array.from({ length: patterns }, (_, number) => rule(number)).join(''))
  const server = await startHamd({
    name: 'hamd',
    dialect: 'spamd',
    stock: false,
    bayes: true,
    workers: 2,
    rules: [file],
  })
  await server.fastPath()
  try {
    const mails = corpus(8).map((mail) => mail.read())
    const load = {
      port: server.port,
      dialect: 'spamd' as const,
      mails,
      connections: 4,
      durationMs: 0,
      rate: 40,
    }
    await runLoad({ ...load, durationMs: 8000 }, 0)
    const calm = await runLoad({ ...load, durationMs: Number(args.seconds) * 1000 }, 100)
    const attacks = Array.from({ length: patterns }, (_, number) =>
      scanOnce(
        server.port,
        'spamd',
        // The end is such that the automata let the line pass.
        Buffer.from(`From: a@example.org\nSubject: x\n\nstart${number}x${'a'.repeat(100)}?!\n`),
      ),
    )
    const attacked = await runLoad({ ...load, durationMs: Number(args.seconds) * 1000 }, 300)
    const answered = (await Promise.all(attacks)).filter(Boolean).length
    const [a, b] = [percentile(calm.latencies, 0.99), percentile(attacked.latencies, 0.99)]
    console.log(
      `p99 of other mail ${a.toFixed(1)} ms in peace, ${b.toFixed(1)} ms under attack (${(b / a).toFixed(2)} times); ` +
        `${answered} of ${patterns} attack mails answered; ${calm.failed + attacked.failed} others lost`,
    )
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

await main()
