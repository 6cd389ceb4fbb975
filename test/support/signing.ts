// Signs test mail: DKIM with own code over node:crypto, in every algorithm and canonical form. Independent of src/facts: the canonical
// forms are written out here a second time, in the plain slow way.
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

export interface SigningKey {
  readonly privateKey: KeyObject
  /** Text of the TXT record. */
  readonly record: string
}

export function makeKey(type: 'rsa' | 'ed25519', bits = 2048, extra = ''): SigningKey {
  if (type === 'ed25519') {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
    return { privateKey, record: `v=DKIM1; k=ed25519; ${extra}p=${raw.toString('base64')}` }
  }
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits })
  const spki = publicKey.export({ format: 'der', type: 'spki' })
  return { privateKey, record: `v=DKIM1; k=rsa; ${extra}p=${spki.toString('base64')}` }
}

type Form = 'simple' | 'relaxed'

function relaxLine(line: string): string {
  const colon = line.indexOf(':')
  const value = line
    .slice(colon + 1)
    .replace(/\r\n/g, '')
    .replace(/[ \t]+/g, ' ')
    .replace(/^ | $/g, '')
  return `${line.slice(0, colon).toLowerCase().trim()}:${value}`
}

function bodyForm(body: string, form: Form): string {
  let lines = body.split('\r\n')
  if (form === 'relaxed') lines = lines.map((line) => line.replace(/[ \t]+/g, ' ').replace(/ $/, ''))
  while (lines.length > 0 && lines.at(-1) === '') lines.pop()
  if (lines.length === 0) return form === 'simple' ? '\r\n' : ''
  return `${lines.join('\r\n')}\r\n`
}

export interface SignOptions {
  readonly domain: string
  readonly selector: string
  readonly key: SigningKey
  readonly algorithm?: 'rsa-sha256' | 'rsa-sha1' | 'ed25519-sha256'
  readonly forms?: readonly [header: Form, body: Form]
  readonly headers?: readonly string[]
  /** Further tags, e.g. 'i=@sub.x.test; '. */
  readonly extra?: string
  readonly length?: number
}

/** The mail (LF line ends) with a DKIM-Signature in front. */
export function signMail(mail: string, options: SignOptions): string {
  const algorithm = options.algorithm ?? 'rsa-sha256'
  const [headerForm, form] = options.forms ?? ['relaxed', 'relaxed']
  const crlf = mail.replace(/\n/g, '\r\n')
  const end = crlf.indexOf('\r\n\r\n')
  const fields = crlf.slice(0, end).split(/\r\n(?![ \t])/)
  const hash = algorithm.endsWith('sha1') ? 'sha1' : 'sha256'
  const body = bodyForm(crlf.slice(end + 4), form).slice(0, options.length)
  const bodyHash = createHash(hash).update(body, 'latin1').digest('base64')
  const names = options.headers ?? ['from', 'to', 'subject']
  const length = options.length === undefined ? '' : `l=${options.length}; `
  const own =
    `DKIM-Signature: v=1; a=${algorithm}; c=${headerForm}/${form}; d=${options.domain}; s=${options.selector};\r\n` +
    `\t${options.extra ?? ''}${length}h=${names.join(':')}; bh=${bodyHash};\r\n\tb=`
  const canonical = (line: string) => (headerForm === 'relaxed' ? relaxLine(line) : line)
  const left = [...fields]
  const picked = names.flatMap((name) => {
    const index = left.findLastIndex((line) => line.toLowerCase().startsWith(`${name}:`))
    return index < 0 ? [] : left.splice(index, 1)
  })
  const data = Buffer.from(picked.map((line) => `${canonical(line)}\r\n`).join('') + canonical(own), 'latin1')
  const signature =
    algorithm === 'ed25519-sha256'
      ? sign(null, createHash('sha256').update(data).digest(), options.key.privateKey)
      : sign(hash, data, options.key.privateKey)
  return `${own}${signature.toString('base64')}\r\n${crlf}`.replace(/\r\n/g, '\n')
}
