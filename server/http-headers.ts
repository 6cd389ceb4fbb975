// Header fields of a request as rspamd reads them: names without case, the last of repeated ones wins, bytes are UTF-8 where they can be.

/** Headers in the order they came; names compare case-insensitively. */
export class HeaderList {
  constructor(readonly pairs: readonly (readonly [name: string, value: string])[]) {}

  /** Value of the last field of that name: rspamd lets the last one win. */
  get(name: string): string | undefined {
    for (let i = this.pairs.length - 1; i >= 0; i--) {
      const pair = this.pairs[i]!
      if (pair[0] === name) return pair[1]
    }
    return undefined
  }

  getAll(name: string): string[] {
    return this.pairs.filter((pair) => pair[0] === name).map((pair) => pair[1])
  }

  /** The same list with more fields behind it. */
  with(pairs: readonly (readonly [string, string])[]): HeaderList {
    return new HeaderList([...this.pairs, ...pairs])
  }
}

/** Header bytes are UTF-8 where they can be, else Latin-1: both occur in From and Subject. */
export function decodeValue(bytes: string): string {
  if (!/[\x80-\xff]/.test(bytes)) return bytes
  const text = Buffer.from(bytes, 'latin1').toString('utf8')
  return text.includes('�') ? bytes : text
}
