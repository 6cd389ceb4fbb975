// Registry boundaries: which part of a host name somebody registered. Comes in: the util_rb_* lists of the rules, or nothing. Goes out: Domains.
// With lists the answer is SpamAssassin's, unknown TLDs have no domain. Without them the public suffix list (tldts) answers.
import { Remembered } from '../message/remembered.js'
import type { Domains } from '../types.js'
import { lower } from './lower.js'
import { publicSuffixes } from './publicsuffix.js'

export interface DomainLists {
  readonly tlds: ReadonlySet<string>
  readonly two: ReadonlySet<string>
  readonly three: ReadonlySet<string>
}

export interface RegistryDomains extends Domains {
  /** Ends in a known TLD and has a dot before it. */
  isValid(host: string): boolean
  /** The registered domain without asking whether the TLD exists (SpamAssassin's trim_domain). */
  trim(host: string): string
}

/** American states have registries of their own below .us (RFC 1480). */
const usStates = new Set(
  (
    'ak al ar az ca co ct dc de fl ga gu hi ia id il in ks ky la ma md me mi mn mo ms mt ' +
    'nc nd ne nh nj nm nv ny oh ok or pa pr ri sc sd tn tx ut va vi vt wa wi wv wy'
  ).split(' '),
)

export function createDomains(lists: DomainLists | undefined): RegistryDomains {
  return lists && lists.tlds.size > 0 ? new ListedDomains(lists) : new SuffixListDomains()
}

function tldOf(host: string): string {
  const dot = host.lastIndexOf('.')
  return dot < 0 ? '' : host.slice(dot + 1)
}

/** Of one generation. */
const hostsMax = 1024

class ListedDomains implements RegistryDomains {
  /** The same hosts come again and again. */
  readonly #trimmed = new Remembered(hostsMax, (host) => this.#trim(host))
  readonly #registered = new Remembered(hostsMax, (host) => (this.isValid(host) ? this.#trim(host) : null))

  constructor(private readonly lists: DomainLists) {}

  isTld(label: string): boolean {
    return this.lists.tlds.has(lower(label))
  }

  isValid(host: string): boolean {
    return !/[\t-\r ]/.test(host) && this.isTld(tldOf(host))
  }

  registered(host: string): string | undefined {
    return this.#registered.get(host) ?? undefined
  }

  trim(host: string): string {
    return this.#trimmed.get(host)
  }

  #trim(host: string): string {
    const labels = lower(host)
      .split('.')
      .filter((part) => part !== '')
    // Walks from the left until the rest is a registry; one label more is the domain.
    let at = 0
    while (labels.length - at > 1 && !this.#isRegistry(labels.slice(at))) at++
    return labels.slice(Math.max(at - 1, 0)).join('.')
  }

  #isRegistry(labels: readonly string[]): boolean {
    if (labels.length === 2) return this.lists.two.has(labels.join('.'))
    if (labels.length === 3) {
      return labels[2] === 'us' ? usStates.has(labels[1]!) : this.lists.three.has(labels.join('.'))
    }
    if (labels.length !== 4 || labels[3] !== 'us' || !usStates.has(labels[2]!)) return false
    return (labels[0] === 'pvt' && labels[1] === 'k12') || /^c[io]$/.test(labels[0]!)
  }
}

class SuffixListDomains implements RegistryDomains {
  readonly #tlds = new Remembered(hostsMax, isListed)
  readonly #domains = new Remembered(hostsMax, domainOf)

  isTld(label: string): boolean {
    return label !== '' && this.#tlds.get(label)
  }

  isValid(host: string): boolean {
    return !/[\t-\r ]/.test(host) && this.isTld(tldOf(host))
  }

  registered(host: string): string | undefined {
    return this.isValid(host) ? (this.#domains.get(host) ?? undefined) : undefined
  }

  trim(host: string): string {
    return this.#domains.get(host) ?? lower(host)
  }
}

const isListed = (label: string): boolean => publicSuffixes().parse(`a.b.${label}`).isIcann === true

const domainOf = (host: string): string | null =>
  publicSuffixes().getDomain(host, { allowPrivateDomains: true })
