// Finds and reads a user's preferences (user_prefs). What a client names is never trusted as a path: a user is a name, not a place.
// Preferences that are there and cannot be read are a note on the verdict: the mail is judged by the site's.
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { overlayPrefs, type PrefsOverlay } from '../rules/engine/prefs.js'
import { setting } from '../rules/engine/settings.js'
import type { Plan } from '../rules/engine/types.js'
import { listDirectives, plugins } from './checks/index.js'
import { prefsBytesMax } from './limits.js'
import type { PrefsSource } from './pool/protocol.js'
import type { Note } from './types.js'
import { viewDirectives } from './views/directives.js'

/** Overlays kept in memory; the least recently used goes first. */
const overlaysMax = 1000

/** Overlay of a user, undefined when there is none or none that can be read. */
export type PrefsReader = (
  user: string | undefined,
  note: (note: Note) => void,
) => Promise<PrefsOverlay | undefined>

interface Kept {
  readonly modifiedMs: number
  readonly overlay: PrefsOverlay | undefined
}

/** Files are read again when they change. */
export function createPrefs(plan: Plan, source: PrefsSource): PrefsReader {
  const kept = new Map<string, Kept>()
  return async (user, note) => {
    const files = user === undefined || source.kind === 'off' ? [] : await candidates(user, source)
    for (const file of files) {
      const found = await stat(file).catch(() => undefined)
      if (!found?.isFile()) continue
      const leftOut = (kind: Note['kind'], why: string) =>
        note({ check: 'preferences', kind, text: `those of ${user} are left out: ${why}` })
      if (found.size > prefsBytesMax) {
        leftOut('limited', `larger than ${prefsBytesMax} bytes`)
        return undefined
      }
      const modifiedMs = found.mtimeMs
      let known = kept.get(file)
      if (known?.modifiedMs !== modifiedMs) {
        const text = await readFile(file, 'latin1').catch((error: Error) =>
          leftOut('unavailable', error.message),
        )
        if (text === undefined) return undefined
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
