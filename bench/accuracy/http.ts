// The same figures over the wire: a hamd without rules learns by /learnspam and /learnham of its controller and judges by its /checkv2, which
// gives the opinion with all its digits when the client asks for clues. In: mails in order. Out: the judgements. Half: the server is given
// the training half as a client would send it, then time to rebuild its weights. Mail that comes twice is learned once, as everywhere
// outside of `hamd evaluate`.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { hamBelow, type LabelledMail, spamFrom } from '../../bayes/evaluate.js'
import { type Judged, type Metrics, measure } from '../../bayes/metrics.js'
import { entry } from '../../test/support/entry.js'

export interface HttpRun {
  readonly metrics: Metrics
  /** Mails the server knew already, and those it did not want to learn. */
  readonly known: number
  readonly refused: number
  readonly seconds: number
}

const config = `[rules]
builtin = false
[learner]
spam_min = 0
ham_min = 0
[controller]
secure_ips = ["127.0.0.1"]
`
/** Weights count as final when an opinion has not moved for so long: a rebuild begins two seconds after the last learning. */
const settledMs = 20_000

interface Server {
  readonly controller: number
  end(): Promise<void>
}

async function startServer(): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-accuracy-'))
  writeFileSync(join(folder, 'hamd.toml'), config)
  const child = spawn(
    process.execPath,
    [
      ...[entry, 'serve', '--config', join(folder, 'hamd.toml'), '--data', join(folder, 'data'), '--local'],
      ...['--workers', '1', '--scan', '127.0.0.1:0', '--controller', '127.0.0.1:0'],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const stop = (): void => void child.kill('SIGTERM')
  process.once('exit', stop)
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const ready = await new Promise<Record<string, string[]>>((resolve, reject) => {
    let text = ''
    child.stderr.on('data', (data: Buffer) => {
      text += data.toString()
      const line = text.split('\n').find((each) => each.includes('"ready"'))
      if (line) resolve(JSON.parse(line) as Record<string, string[]>)
    })
    void exited.then(() => reject(new Error(`hamd ended: ${text}`)))
  })
  return {
    controller: Number(ready['controller']![0]!.split(':').at(-1)),
    async end() {
      stop()
      await exited
      process.removeListener('exit', stop)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const agent = new Agent({ keepAlive: true })

function post(
  port: number,
  path: string,
  body: Buffer,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method: 'POST',
        agent,
        headers: { ...headers, 'content-length': body.length },
      },
      (reply) => {
        let text = ''
        reply.setEncoding('utf8')
        reply.on('data', (piece: string) => (text += piece))
        reply.on('end', () => resolve({ status: reply.statusCode ?? 0, text }))
      },
    )
    call.on('error', reject)
    call.end(body)
  })
}

export async function evaluateOverHttp(
  mails: readonly LabelledMail[],
  mode: 'online' | 'half',
): Promise<HttpRun> {
  const started = Date.now()
  const server = await startServer()
  const judged: Judged[] = []
  let known = 0
  let refused = 0
  const opinion = async (mail: LabelledMail): Promise<number> => {
    const { status, text } = await post(server.controller, '/checkv2', readFileSync(mail.path), {
      Clues: 'yes',
    })
    if (status !== 200) throw new Error(`/checkv2 answered ${status}: ${text.slice(0, 200)}`)
    return (JSON.parse(text) as { bayes: { probability: number | null } }).bayes.probability ?? 0.5
  }
  const judge = async (mail: LabelledMail): Promise<void> => {
    const p = await opinion(mail)
    judged.push({
      score: p,
      isSpam: mail.isSpam,
      decision: p >= spamFrom ? 'spam' : p < hamBelow ? 'ham' : 'unsure',
    })
  }
  const teach = async (mail: LabelledMail): Promise<void> => {
    const path = mail.isSpam ? '/learnspam' : '/learnham'
    const { status } = await post(server.controller, path, readFileSync(mail.path))
    if (status === 208) known++
    else if (status !== 200) refused++
  }
  try {
    if (mode === 'online')
      for (const mail of mails) {
        await judge(mail)
        await teach(mail)
      }
    else {
      for (const [position, mail] of mails.entries()) if (position % 2 === 0) await teach(mail)
      let last = -1
      for (let sinceMs = Date.now(); Date.now() - sinceMs < settledMs; await pause(500)) {
        const now = await opinion(mails[1]!)
        if (now === last) continue
        last = now
        sinceMs = Date.now()
      }
      for (const [position, mail] of mails.entries()) if (position % 2 === 1) await judge(mail)
    }
  } finally {
    await server.end()
  }
  return { metrics: measure(judged), known, refused, seconds: (Date.now() - started) / 1000 }
}
