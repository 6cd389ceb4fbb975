// Real Exim with the README's ACLs (fixtures/exim), queue only, on a free loopback port; mail is handed in by swaks.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../../src/root.js'
import { findExim, findProgram, type Ran, runBeside } from './peers.js'
import { freePort } from './ports.js'

const template = readFileSync(join(packageRoot, 'fixtures', 'exim', 'exim.conf'), 'utf8')

export interface Exim {
  readonly port: number
  /** Header lines of the last message in the queue, unfolded. */
  queued(): string
  stop(): Promise<void>
}

function waitForPort(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const until = Date.now() + 20_000
    const attempt = () => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy()
        resolve()
      })
      socket.on('error', () =>
        Date.now() > until ? reject(new Error('exim does not listen')) : setTimeout(attempt, 100),
      )
    }
    attempt()
  })
}

/** `spamd` is the value of spamd_address, `defer` what follows the user in the spam condition. */
export async function startExim(spamd: string, defer = ''): Promise<Exim> {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-exim-'))
  const port = await freePort()
  for (const name of ['spool', 'log']) mkdirSync(join(folder, name))
  const config = join(folder, 'exim.conf')
  writeFileSync(
    config,
    template
      .replaceAll('@DIR@', folder)
      .replace('@PORT@', String(port))
      .replace('@SPAMD@', spamd)
      .replace('@DEFER@', defer),
  )
  spawnSync('chown', ['-R', 'Debian-exim:Debian-exim', folder])
  spawnSync('chown', ['root:root', config])
  spawnSync('chmod', ['755', folder])
  const child: ChildProcess = spawn(findExim()!, ['-C', config, '-bdf'], { stdio: 'ignore' })
  await waitForPort(port)
  return {
    port,
    queued() {
      const input = join(folder, 'spool', 'input')
      const heads = readdirSync(input).filter((name) => name.endsWith('-H'))
      return readFileSync(join(input, heads.sort().at(-1)!), 'latin1')
    },
    async stop() {
      const exited = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await exited
      // Exim's delivery processes may still be writing their logs.
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    },
  }
}

export function submit(exim: Exim, text: string): Promise<Ran> {
  const args = [
    '--server',
    '127.0.0.1',
    '--port',
    String(exim.port),
    '--from',
    'alice@example.org',
    '--to',
    'bob@example.net',
  ]
  return runBeside(
    findProgram('swaks')!,
    [...args, '--helo', 'client.example.org', '--data', '-', '--suppress-data'],
    text,
  )
}
