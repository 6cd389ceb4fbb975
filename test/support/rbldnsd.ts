// Real rbldnsd on loopback, serving the zone files of fixtures/zones.
import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDns } from '../../src/net/dns.js'
import { packageRoot } from '../../src/root.js'
import { findProgram } from './peers.js'

const zonesFolder = join(packageRoot, 'fixtures', 'zones')

export interface TestRbldnsd {
  readonly port: number
  readonly address: string
  /** Zones it answers for. */
  readonly zones: readonly string[]
  close(): Promise<void>
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const { port } = socket.address()
  await new Promise<void>((resolve) => socket.close(() => resolve()))
  return port
}

async function untilAnswering(address: string, zone: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const dns = createDns({ servers: [address], local: false, queryMs: 100 })
    const answer = await dns.query(`2.0.0.127.${zone}`, 'A', Date.now() + 100)
    dns.close()
    if (answer.status !== 'failed') return
    if (child.exitCode !== null) break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`rbldnsd does not answer, exit ${child.exitCode}`)
}

export async function startRbldnsd(): Promise<TestRbldnsd> {
  const port = await freeUdpPort()
  // It drops its rights and must still read the files, wherever the checkout lies.
  const folder = mkdtempSync(join(tmpdir(), 'hamd-rbldnsd-'))
  chmodSync(folder, 0o755)
  const zones: string[] = []
  const args: string[] = []
  for (const file of readdirSync(zonesFolder)) {
    const found = /^(.+)\.(ip4set|dnset)$/.exec(file)
    if (!found) continue
    copyFileSync(join(zonesFolder, file), join(folder, file))
    chmodSync(join(folder, file), 0o644)
    zones.push(found[1]!)
    args.push(`${found[1]}:${found[2]}:${join(folder, file)}`)
  }
  const user = process.getuid?.() === 0 ? ['-u', 'rbldns'] : []
  const child = spawn(
    findProgram('rbldnsd') ?? 'rbldnsd',
    ['-n', '-f', ...user, '-b', `127.0.0.1/${port}`, '-c', '60s', ...args],
    {
      stdio: 'ignore',
    },
  )
  const isGone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const address = `127.0.0.1:${port}`
  await untilAnswering(address, zones[0]!, child)
  return {
    port,
    address,
    zones,
    async close() {
      child.kill('SIGKILL')
      await isGone
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
