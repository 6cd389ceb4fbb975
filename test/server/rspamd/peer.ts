// The real rspamd and rspamc (Debian package) for the pair tests: a server without Redis and without rules but the one of the tests, on free ports.
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../../../src/root.js'
import { freePort } from '../../support/ports.js'
import { exchange } from './wire.js'

export interface RspamdPeer {
  readonly scanPort: number
  readonly controllerPort: number
  /** Its log so far. */
  log(): string
  stop(): Promise<void>
}

export async function startRspamd(): Promise<RspamdPeer> {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-rspamd-'))
  chmodSync(folder, 0o777)
  const [scanPort, controllerPort] = [await freePort(), await freePort()]
  // Three top-level domains instead of the whole list: its compilation is eight seconds of every start.
  writeFileSync(join(folder, 'tlds'), 'org\ncom\nnet\n')
  writeFileSync(
    join(folder, 'conf'),
    `lua = "${join(packageRoot, 'fixtures/wire/rspamd-test-hits.lua')}";
options {
  pidfile = "${folder}/pid"; tempdir = "${folder}"; hs_cache_dir = "${folder}"; stats_file = "${folder}/stats";
  control_socket = "${folder}/control.sock mode=0600"; local_addrs = [127.0.0.0/8]; filters = "";
  url_tld = "${folder}/tlds";
  dns { timeout = 0.2s; retransmits = 1; nameserver = ["127.0.0.1:9"]; }
}
logging { type = "console"; level = "notice"; }
actions { reject = 15; add_header = 6; greylist = 4; }
group "tests" { symbols = { "TEST_HIT" { weight = 1.5; description = "A hit of the tests"; } } }
worker "normal" { bind_socket = "127.0.0.1:${scanPort}"; count = 1; }
worker "controller" { bind_socket = "127.0.0.1:${controllerPort}"; count = 1; password = "readpw"; enable_password = "enablepw"; }
`,
  )
  const root = process.getuid?.() === 0
  const child = spawn(
    'rspamd',
    ['-f', '-c', join(folder, 'conf'), ...(root ? ['-u', 'nobody', '-g', 'nogroup'] : [])],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let log = ''
  child.stdout.on('data', (piece) => (log += piece))
  child.stderr.on('data', (piece) => (log += piece))
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()))
  for (let tries = 0; tries < 300 && child.exitCode === null; tries++) {
    const scan = await exchange(scanPort, { send: ['GET /ping HTTP/1.0\r\n\r\n'], timeoutMs: 1000 })
    const control = await exchange(controllerPort, { send: ['GET /ping HTTP/1.0\r\n\r\n'], timeoutMs: 1000 })
    if (scan?.includes('pong') && control?.includes('pong')) break
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  return {
    scanPort,
    controllerPort,
    log: () => log,
    async stop() {
      child.kill('SIGTERM')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs a client; asynchronous, since our server lives in this very process. */
export function run(program: string, args: readonly string[], input: string | Buffer = ''): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    let out = ''
    let err = ''
    child.stdout.on('data', (piece) => (out += piece))
    child.stderr.on('data', (piece) => (err += piece))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, err }))
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}
