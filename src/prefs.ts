// Finds and reads a user's preferences (user_prefs). What a client names is never trusted as a path: a user is a name, not a place.
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { overlayPrefs, type PrefsOverlay } from '../rules/engine/prefs.js'
import { setting } from '../rules/engine/settings.js'
import type { Plan } from '../rules/engine/types.js'
import { listDirectives, plugins } from './checks/index.js'
import type { PrefsSource } from './pool/protocol.js'
import { viewDirectives } from './views/directives.js'

/** Overlays kept in memory; the least recently used goes first. */
const overlaysMax = 1000

/** A larger file is no list of preferences. */
const prefsBytesMax = 1024 * 1024

interface Kept {
  readonly modifiedMs: number
  readonly overlay: PrefsOverlay | undefined
}

/** Overlay of a user, undefined when there is none. Files are read again when they change. */
export function createPrefs(
  plan: Plan,
  source: PrefsSource,
): (user: string | undefined) => Promise<PrefsOverlay | undefined> {
  const kept = new Map<string, Kept>()
  return async (user) => {
    const files = user === undefined || source.kind === 'off' ? [] : await candidates(user, source)
    for (const file of files) {
      const modifiedMs = await modified(file)
      if (modifiedMs === undefined) continue
      let known = kept.get(file)
      if (known?.modifiedMs !== modifiedMs) {
        const text = await readFile(file, 'latin1').catch(() => undefined)
        // Mail is scanned with the site's settings when a user's own cannot be read.
        if (text === undefined) continue
        known = {
          modifiedMs,
          overlay: overlayPrefs(plan, text, {
            allowUserRules: source.allowUserRules || setting<boolean>(plan.settings, 'allow_user_rules'),
            plugins,
            directives: [...viewDirectives, ...listDirectives],
          }),
        }
      }
      kept.delete(file)
      kept.set(file, known)
      if (kept.size > overlaysMax) kept.delete(kept.keys().next().value!)
      return known.overlay
    }
    return undefined
  }
}

/** When a file was changed; undefined when it is none that can be read as preferences. */
function modified(file: string): Promise<number | undefined> {
  return stat(file).then(
    (found) => (found.isFile() && found.size <= prefsBytesMax ? found.mtimeMs : undefined),
    () => undefined,
  )
}

async function candidates(user: string, source: PrefsSource): Promise<string[]> {
  if (!/^[\w.@+-]+$/.test(user) || user.startsWith('.') || user.includes('..') || user.includes('@.'))
    return []
  if (source.kind === 'dir' && source.dir !== null)
    return [join(source.dir, user, 'user_prefs'), join(source.dir, user)]
  if (source.kind === 'pattern' && source.dir !== null)
    return [join(fillPattern(source.dir, user), 'user_prefs')]
  const home = source.kind === 'home' ? await homeOf(user) : undefined
  return home === undefined ? [] : [join(home, '.spamassassin', 'user_prefs')]
}

/** spamd's --virtual-config-dir: %u the user, %l and %d what stands before and behind the @, %x the user, %% a percent sign. */
function fillPattern(pattern: string, user: string): string {
  const at = user.lastIndexOf('@')
  const parts: Record<string, string> = {
    u: user,
    x: user,
    l: at < 0 ? user : user.slice(0, at),
    d: at < 0 ? '' : user.slice(at + 1),
    '%': '%',
  }
  return pattern.replace(/%([uxld%])/g, (_, letter: string) => parts[letter]!)
}

/** Home of a local account, from the password file. */
async function homeOf(user: string): Promise<string | undefined> {
  const text = await readFile('/etc/passwd', 'utf8').catch(() => '')
  const line = text.split('\n').find((entry) => entry.startsWith(`${user}:`))
  return line?.split(':')[5] || undefined
}
