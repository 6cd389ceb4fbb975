// A real clamd for tests, with a signature database of two entries, on a unix socket and a TCP port; and a socket that only
// pretends to be clamd, for the ways in which clamd fails.
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { findProgram } from './peers.js'
import { freePort } from './ports.js'

/** The harmless test virus, in pieces so that no scanner takes this file for one. */
export const eicar = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-', 'STANDARD-ANTIVIRUS', '-TEST-FILE!$H+H*'].join(
  '',
)
/** Text our second signature looks for. */
export const badWord = 'hamd-test-signature-of-a-bad-thing'

export interface TestClamd {
  readonly tcp: string
  readonly unix: string
  readonly child: ChildProcess
  close(): Promise<void>
}

export async function startClamd(
  options: { streamBytesMax?: number; withEicar?: boolean } = {},
): Promise<TestClamd> {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-clamd-'))
  const database = join(folder, 'db')
  mkdirSync(database)
  if (options.withEicar !== false) {
    const digest = createHash('md5').update(eicar).digest('hex')
    writeFileSync(join(database, 'test.hdb'), `${digest}:${eicar.length}:Eicar-Test-File\n`)
  }
  const hex = Buffer.from(badWord).toString('hex')
  writeFileSync(join(database, 'test.ndb'), `Hamd.Test.Bad:0:*:${hex}\n`)
  const port = await freePort()
  const unix = join(folder, 'clamd.sock')
  const config = join(folder, 'clamd.conf')
  writeFileSync(
    config,
    [
      'Foreground yes',
      `LocalSocket ${unix}`,
      `TCPSocket ${port}`,
      'TCPAddr 127.0.0.1',
      `TemporaryDirectory ${folder}`,
      `DatabaseDirectory ${database}`,
      `User ${userInfo().username}`,
      `StreamMaxLength ${options.streamBytesMax ?? 26_214_400}`,
      '',
    ].join('\n'),
  )
  const child = spawn(findProgram('clamd') ?? 'clamd', ['--config-file', config], { stdio: 'ignore' })
  const isGone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  for (let waited = 0; !existsSync(unix); waited += 50) {
    if (child.exitCode !== null || waited > 20_000)
      throw new Error(`clamd did not start, exit ${child.exitCode}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    tcp: `127.0.0.1:${port}`,
    unix: `unix:${unix}`,
    child,
    async close() {
      child.kill('SIGKILL')
      await isGone
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export interface FakeClamd {
  readonly address: string
  close(): Promise<void>
}

/** Calls `behave` with each connection; it plays clamd as badly as it likes. */
export async function startFakeClamd(behave: (socket: Socket) => void): Promise<FakeClamd> {
  const sockets = new Set<Socket>()
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    behave(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    address: `127.0.0.1:${port}`,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
