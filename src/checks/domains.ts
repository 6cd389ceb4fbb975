// Registered domains the way evals compare them.
import type { Domains } from '../types.js'

/** Registered domain; where the TLD is not a known one the last two labels, as SpamAssassin splits names it knows no registry for. */
export function domainOf(domains: Domains, host: string): string {
  return domains.registered(host) ?? host.split('.').filter(Boolean).slice(-2).join('.')
}
