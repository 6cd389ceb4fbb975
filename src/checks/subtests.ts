// Conditions on a list's answer: the dotted, masked, ranged and regex forms of check_rbl, urirhssub and askdns. Numbers are unsigned
// 32-bit (`>>> 0`): JavaScript's bit operators are signed.
import type { ListRecord } from './dnslists.js'
import { addressToNumber } from './dnslists.js'
import { evalRegex, matches } from './evalregex.js'

/** `mask` | n1-n2 | n1/n2, as urirhssub and askdns write it. A lone address means equality. */
export type NumberTest =
  | { readonly kind: 'mask'; readonly mask: number }
  | { readonly kind: 'range'; readonly from: number; readonly to: number }
  | { readonly kind: 'value'; readonly value: number; readonly mask: number }

function readNumber(text: string): number | undefined {
  if (/^\d{1,10}$/.test(text)) return Number(text)
  if (/^0x[0-9a-f]{1,8}$/i.test(text)) return Number.parseInt(text, 16)
  const isAddress =
    /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text) && text.split('.').every((octet) => Number(octet) < 256)
  return isAddress ? addressToNumber(text) : undefined
}

/** Undefined when the text is none of the forms. */
export function parseNumberTest(text: string): NumberTest | undefined {
  const found = /^([^/-]+)(?:([/-])(.+))?$/s.exec(text)
  const first = found ? readNumber(found[1]!) : undefined
  if (!found || first === undefined) return undefined
  if (found[3] === undefined) {
    return text.includes('.') ? { kind: 'range', from: first, to: first } : { kind: 'mask', mask: first }
  }
  const second = readNumber(found[3])
  if (second === undefined) return undefined
  return found[2] === '-'
    ? { kind: 'range', from: first, to: second }
    : { kind: 'value', value: first, mask: second }
}

const refusedFrom = 0x7fffff00

export function fitsNumber(test: NumberTest, address: string): boolean {
  const value = addressToNumber(address)
  switch (test.kind) {
    case 'mask':
      return (value & test.mask) !== 0 && value >>> 24 === 127
    case 'range':
      return value >= test.from && value <= test.to
    case 'value':
      return (value & test.mask) >>> 0 === (test.value & test.mask) >>> 0
  }
}

/** A refusal is a hit only for a test that names it: the exact code, a range inside 127.255.255.0/24, or its own bit. */
export function fitsRecord(test: NumberTest | undefined, record: ListRecord): boolean {
  if (test === undefined) return !record.isRefusal
  if (!fitsNumber(test, record.text)) return false
  if (!record.isRefusal) return true
  if (test.kind === 'mask') return (addressToNumber(record.text) & 0xff) === test.mask
  return test.kind === 'range' && (test.from === test.to || test.from >= refusedFrom)
}

/** check_rbl's subtest: an address, a bit mask, or a regex over the answer. */
export function fitsRblSubtest(subtest: string | undefined, record: ListRecord): boolean {
  if (subtest === undefined) return !record.isRefusal
  if (/^\d+$/.test(subtest)) {
    return fitsRecord({ kind: 'mask', mask: Number(subtest) }, record) && record.text.startsWith('127.')
  }
  if (/^\d+(?:\.\d+){3}$/.test(subtest)) return record.text === subtest
  const pattern = evalRegex(subtest)
  if (pattern === undefined || !matches(pattern, record.text)) return false
  // A regex that has the code of a refusal in it asks for refusals.
  return !record.isRefusal || subtest.includes('255') || isOwnCode(subtest, record.text)
}

/** `^127\.0\.0\.1$`: the regex is nothing but the code itself. */
function isOwnCode(subtest: string, code: string): boolean {
  return subtest.replace(/[\\^$]/g, '') === code
}
