// Runs the compiled program as its users do: a child process on free loopback ports with a data folder of its own, ended by its pid.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { entry } from './entry.js'

export interface Hamd {
  readonly child: ChildProcess
  readonly scan: { readonly host: string; readonly port: number }
  readonly controller: { readonly host: string; readonly port: number }
  /** Path of the unix scan socket. */
  readonly socket: string
  readonly dataDir: string
  /** JSON lines of the log so far. */
  readonly log: readonly Record<string, unknown>[]
  /** SIGTERM, then the exit status. */
  stop(): Promise<number | null>
}

/** How long a start may take on a busy machine; not a figure to be measured here. */
const startMs = 60_000

export interface HamdOptions {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Keep the data folder of an earlier run. */
  readonly dataDir?: string
  /** Only look-ups that the arguments allow; default --local. */
  readonly network?: boolean
  /** Shell lines to run first in a mount namespace of its own, for data folders that are full or read-only; root only. */
  readonly mounts?: string
}

export async function startHamd(options: HamdOptions = {}): Promise<Hamd> {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-test-'))
  const dataDir = options.dataDir ?? join(folder, 'data')
  const socket = join(folder, 'scan.sock')
  const args = [
    ...[
      'serve',
      '--scan',
      '127.0.0.1:0',
      '--scan',
      `unix:${socket}`,
      '--controller',
      '127.0.0.1:0',
      '--data',
      dataDir,
    ],
    ...['--workers', '1', ...(options.network ? [] : ['--local'])],
    ...(options.args ?? []),
  ]
  const command = [process.execPath, entry, ...args]
  const within = [
    'unshare',
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-ec',
    `${options.mounts}\nexec "$@"`,
    'sh',
  ]
  const [program, ...words] = options.mounts === undefined ? command : [...within, ...command]
  const child = spawn(program!, words, {
    stdio: ['ignore', 'inherit', 'pipe'],
    env: { ...process.env, ...options.env },
  })
  const log: Record<string, unknown>[] = []
  let rest = ''
  const ready = new Promise<Record<string, unknown>>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`hamd not ready: ${JSON.stringify(log)}`)), startMs)
    child.stderr!.on('data', (chunk) => {
      rest += String(chunk)
      const lines = rest.split('\n')
      rest = lines.pop()!
      for (const line of lines) {
        let row: Record<string, unknown>
        try {
          row = JSON.parse(line)
        } catch {
          row = { msg: line }
        }
        log.push(row)
        if (row['msg'] !== 'ready') continue
        clearTimeout(timer)
        resolve(row)
      }
    })
    child.once('exit', (status) => {
      clearTimeout(timer)
      reject(new Error(`hamd ended with ${status}: ${JSON.stringify(log)}`))
    })
  })
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const row = await ready
  const port = (list: unknown) => {
    const address = (list as string[]).find((text) => !text.startsWith('unix:'))!
    return { host: '127.0.0.1', port: Number(address.split(':').at(-1)) }
  }
  return {
    child,
    scan: port(row['scan']),
    controller: port(row['controller']),
    socket,
    dataDir,
    log,
    async stop() {
      child.kill('SIGTERM')
      const status = await exited
      rmSync(folder, { recursive: true, force: true })
      return status
    },
  }
}
