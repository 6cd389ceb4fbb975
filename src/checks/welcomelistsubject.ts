// WelcomeListSubject: subjects that an admin or a user lists as wanted or unwanted; globs match anywhere in the subject.

import { setting } from '../../rules/engine/settings.js'
import type { Directive, Eval, Plugin } from '../../rules/engine/types.js'
import { globPattern } from './addresslists.js'
import { derived, entriesOf, type Growing, grow, nothing } from './growing.js'
import { header, lower } from './text.js'

function subjectList(name: string, alias: string): Directive {
  return {
    name,
    aliases: [alias],
    scope: 'user',
    initial: nothing<string>(),
    read: (line, value) => grow(value as Growing<string>, [lower(line.value)]),
  }
}

const patternsOf = derived((list: Growing<string>) =>
  [...entriesOf(list)].map((glob) => new RegExp(globPattern(glob))),
)

const inList =
  (name: string): Eval =>
  ({ scan, settings }) => {
    const patterns = patternsOf(setting<Growing<string>>(settings, name))
    if (patterns.length === 0) return false
    const subject = lower(header(scan, 'Subject'))
    return subject !== '' && patterns.some((pattern) => pattern.test(subject))
  }

export const welcomeListSubject: Plugin = {
  name: 'WelcomeListSubject',
  directives: [
    subjectList('welcomelist_subject', 'whitelist_subject'),
    subjectList('blocklist_subject', 'blacklist_subject'),
  ],
  evals: {
    check_subject_in_welcomelist: inList('welcomelist_subject'),
    check_subject_in_whitelist: inList('welcomelist_subject'),
    check_subject_in_blocklist: inList('blocklist_subject'),
    check_subject_in_blacklist: inList('blocklist_subject'),
  },
}
