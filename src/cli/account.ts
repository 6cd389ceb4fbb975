// Giving up root's rights for those of an account (spamd -u, -g), once the sockets are bound and the files are open.
import { spawnSync } from 'node:child_process'
import { chownSync, lchownSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { CliError, exits } from './exit.js'

export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** The account to run as; undefined = stay who we are. @throws CliError when there is none of that name. */
export function accountOf({
  user,
  group,
}: {
  readonly user?: string
  readonly group?: string
}): Account | undefined {
  if (process.getuid?.() !== 0 || (user === undefined && group === undefined)) return undefined
  const [, uid, primary] = user === undefined ? ['root', '0', '0'] : entry('passwd', user)
  const gid = group === undefined ? primary : entry('group', group)[1]
  return { name: user ?? 'root', uid: Number(uid), gid: Number(gid) }
}

/** Name, number and, of an account, primary group. getent knows those of LDAP and the like too. */
function entry(database: 'passwd' | 'group', name: string): [string, string, string] {
  const { stdout } = spawnSync('getent', [database, name], { encoding: 'utf8' })
  const [known, , id, group] = (stdout ?? '').trim().split(':')
  if (!known || id === undefined)
    throw new CliError(exits.usage, `there is no ${database === 'passwd' ? 'user' : 'group'} ${name}`)
  return [known, id, group ?? id]
}

/** Files that root has just made must be writable afterwards. */
export function giveTo({ uid, gid }: Account, folder: string): void {
  for (const file of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, file.name)
    if (file.isDirectory()) giveTo({ name: '', uid, gid }, path)
    else lchownSync(path, uid, gid)
  }
  chownSync(folder, uid, gid)
}

/** Groups first: without root's rights they could not be changed any more. */
export function become({ name, uid, gid }: Account): void {
  process.setgid!(gid)
  // Node has it; its types do not know it.
  const { initgroups } = process as unknown as { initgroups(user: string, group: number): void }
  initgroups(name, gid)
  if (uid !== 0) process.setuid!(uid)
}
