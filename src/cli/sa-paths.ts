// Where SpamAssassin's programs find rules and settings, so that ours find the same: distributed rules, the site's own, a user's.
import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Version of SpamAssassin whose rule language we speak, as its update folder spells it. */
const updateVersion = '4.000001'

const firstOf = (paths: readonly string[]): string | undefined => paths.find((path) => existsSync(path))

/** Rules of sa-update for this version, else those of the package. */
export function distributedRules(): string | undefined {
  const updates = '/var/lib/spamassassin'
  const named = join(updates, updateVersion)
  if (existsSync(named)) return named
  const newest = existsSync(updates)
    ? readdirSync(updates)
        .filter((name) => /^[34]\.\d{6}$/.test(name))
        .sort()
        .at(-1)
    : undefined
  return newest
    ? join(updates, newest)
    : firstOf(['/usr/share/spamassassin', '/usr/local/share/spamassassin'])
}

/** The site's folder with its .pre files. */
export function siteRules(): string | undefined {
  return firstOf(['/etc/spamassassin', '/etc/mail/spamassassin', '/usr/local/etc/mail/spamassassin'])
}

/** A user's own preferences file. */
export function userPrefsFile(home = homedir()): string {
  return join(home, '.spamassassin', 'user_prefs')
}

/** What a program with -C and --siteconfigpath reads, in SpamAssassin's order: the site's folder brings the .pre files. */
export function ruleFolders(given: { readonly configPath?: string; readonly sitePath?: string }): string[] {
  return [given.configPath ?? distributedRules(), given.sitePath ?? siteRules()].filter(
    (path) => path !== undefined,
  )
}
