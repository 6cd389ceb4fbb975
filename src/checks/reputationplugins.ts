// AWL and TxRep as plugins: their words, and evals that ask for the adjustment which reputation.ts makes after the rules.

import { boolDirective, numberDirective, stringDirective } from '../../rules/engine/directive.js'
import { setting } from '../../rules/engine/settings.js'
import type { Directive, Eval, Plugin } from '../../rules/engine/types.js'
import { askedReputation, type ReputationRule } from './reputation.js'

const oldSpelling = (name: string): string => name.replace('welcomelist', 'whitelist')
const renamed = (name: string) => ({ aliases: [oldSpelling(name)] })

/** Where SpamAssassin keeps its data; hamd's store lies in its data directory. */
const storage = (names: readonly string[]): Directive[] =>
  names.map((name) =>
    stringDirective(name, undefined, {
      scope: 'admin',
      ...(name.includes('welcomelist') ? renamed(name) : {}),
    }),
  )

const asks =
  (rule: ReputationRule, allowed: string): Eval =>
  (context) => {
    if (setting<boolean>(context.settings, allowed)) askedReputation(context.scan).set(rule, context.rule)
    return false
  }

const checkAwl = asks('AWL', 'use_auto_welcomelist')

export const awl: Plugin = {
  name: 'AWL',
  directives: [
    boolDirective('use_auto_welcomelist', true, renamed('use_auto_welcomelist')),
    numberDirective('auto_welcomelist_factor', 0.5, renamed('auto_welcomelist_factor')),
    numberDirective('auto_welcomelist_ipv4_mask_len', 16, renamed('auto_welcomelist_ipv4_mask_len')),
    numberDirective('auto_welcomelist_ipv6_mask_len', 48, renamed('auto_welcomelist_ipv6_mask_len')),
    boolDirective(
      'auto_welcomelist_distinguish_signed',
      false,
      renamed('auto_welcomelist_distinguish_signed'),
    ),
    stringDirective('user_awl_sql_override_username', ''),
    ...storage([
      'auto_welcomelist_factory',
      'auto_welcomelist_path',
      'auto_welcomelist_db_modules',
      'auto_welcomelist_file_mode',
      'user_awl_dsn',
      'user_awl_sql_username',
      'user_awl_sql_password',
      'user_awl_sql_table',
    ]),
  ],
  evals: { check_from_in_auto_welcomelist: checkAwl, check_from_in_auto_whitelist: checkAwl },
}

export const txRep: Plugin = {
  name: 'TxRep',
  directives: [
    boolDirective('use_txrep', false),
    numberDirective('txrep_factor', 0.5),
    numberDirective('txrep_dilution_factor', 0.98),
    numberDirective('txrep_expiry_days', 365),
    numberDirective('txrep_learn_penalty', 20),
    numberDirective('txrep_learn_bonus', 20),
    boolDirective('txrep_autolearn', false),
    boolDirective('txrep_track_messages', true),
    numberDirective('txrep_welcomelist_out', 10, renamed('txrep_welcomelist_out')),
    numberDirective('txrep_ipv4_mask_len', 16),
    numberDirective('txrep_ipv6_mask_len', 48),
    numberDirective('txrep_user2global_ratio', 0),
    boolDirective('txrep_spf', true),
    numberDirective('txrep_weight_email', 3),
    numberDirective('txrep_weight_email_ip', 10),
    numberDirective('txrep_weight_domain', 2),
    numberDirective('txrep_weight_ip', 4),
    numberDirective('txrep_weight_helo', 0.5),
    numberDirective('txrep_report_details', 0),
    ...storage(['txrep_factory']),
  ],
  evals: { check_senders_reputation: asks('TXREP', 'use_txrep') },
}
