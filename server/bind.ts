// Binds a listening socket and says whether that worked; for unix sockets with all that belongs to the file: a stale one is replaced, a
// live one refused, and its mode and owner are right from the first moment.
import { spawnSync } from 'node:child_process'
import { lstatSync, readFileSync } from 'node:fs'
import { chmod, chown, unlink } from 'node:fs/promises'
import { connect, type Server } from 'node:net'

export interface SocketFile {
  /** Default 0666, as spamd's --socketmode. */
  readonly mode?: number
  /** Name or number. */
  readonly owner?: string
  readonly group?: string
}

export async function bindUnix(server: Server, path: string, to: SocketFile): Promise<void> {
  const [uid, gid] = [idOf('passwd', to.owner), idOf('group', to.group)]
  await clearStaleSocket(path)
  const mode = to.mode ?? 0o666
  await listening(server, () => {
    // The umask makes the socket appear with its mode: a chmod alone would leave it open to all for a moment.
    const before = process.umask(0o777 & ~mode)
    try {
      server.listen({ path })
    } finally {
      process.umask(before)
    }
  })
  try {
    await chmod(path, mode)
    if (uid >= 0 || gid >= 0) await chown(path, uid, gid)
  } catch (error) {
    server.close()
    throw error
  }
}

/** Number of a user or group; -1 leaves it as it is. getent knows the accounts of LDAP and the like too. */
function idOf(database: 'passwd' | 'group', name: string | undefined): number {
  if (name === undefined) return -1
  if (/^\d+$/.test(name)) return Number(name)
  const { stdout } = spawnSync('getent', [database, name], { encoding: 'utf8' })
  const id = /^[^:]+:[^:]*:(\d+)/.exec(stdout ?? '')?.[1] ?? fromFile(database, name)
  if (id === undefined)
    throw bindError('ENOENT', `there is no ${database === 'passwd' ? 'user' : 'group'} ${name}`)
  return Number(id)
}

function fromFile(database: 'passwd' | 'group', name: string): string | undefined {
  const entry = readFileSync(`/etc/${database}`, 'utf8')
    .split('\n')
    .find((line) => line.startsWith(`${name}:`))
  return entry?.split(':')[2]
}

/** Removes the socket file of a dead server; refuses a live one and everything that is not a socket. */
async function clearStaleSocket(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket()) throw bindError('EEXIST', `${path} exists and is not a socket`)
  if (await answers(path)) throw bindError('EADDRINUSE', `${path} belongs to a server that is running`)
  await unlink(path)
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path)
    probe.on('connect', () => {
      probe.destroy()
      resolve(true)
    })
    // EACCES and the like: somebody may well be listening, so only a refusal proves that nobody is.
    probe.on('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    )
  })
}

function bindError(code: string, text: string): NodeJS.ErrnoException {
  return Object.assign(new Error(text), { code })
}

export function listening(server: Server, start: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (done: () => void) => {
      server.off('error', onError)
      server.off('listening', onListening)
      done()
    }
    const onError = (error: Error) => settle(() => reject(error))
    const onListening = () => settle(resolve)
    server.on('error', onError)
    server.on('listening', onListening)
    start()
  })
}
