// Bayes: the learner's probability as bands, for the BAYES_* rules. How it comes about is the learner's business.

import { listDirective, numberDirective } from '../../rules/engine/directive.js'
import { setting } from '../../rules/engine/settings.js'
import type { Plugin, Settings } from '../../rules/engine/types.js'
import { once } from './once.js'

/** Asked by a dozen rules. */
const opinion = once((scan, settings: Settings): number | undefined =>
  ['use_learner', 'use_bayes', 'use_bayes_rules'].every((name) => setting<boolean>(settings, name))
    ? scan.facts.bayes().probability
    : undefined,
)

export const bayes: Plugin = {
  name: 'Bayes',
  directives: [
    numberDirective('bayes_max_token_length', 15),
    listDirective('bayes_stopword_languages', ['en']),
    {
      name: 'bayes_stopwords',
      // SpamAssassin's tokenizer leaves these words out; hamd's learner weighs every token, so they are only accepted.
      aliases: 'cs da de dk en es fi fr gr hu it ja ko nl no pl pt ru se sv tr zh'
        .split(' ')
        .map((code) => `bayes_stopword_${code}`),
      scope: 'user',
      initial: '',
      read: (_line, value) => value,
    },
  ],
  evals: {
    check_bayes(context, min = '0', max = 'undef') {
      const probability = opinion(context.scan, context.settings)
      if (probability === undefined) return false
      if (Number(min) !== 0 && probability <= Number(min)) return false
      if (max !== 'undef' && probability > Number(max)) return false
      context.detail(`score: ${probability.toFixed(4)}`)
      return true
    },
  },
}
