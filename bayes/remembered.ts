// A scan as it is remembered: enough to teach its mail by its id, without the mail. Packed on its way to the learner's thread.

export interface RememberedScan {
  readonly id: string
  readonly owner: string
  readonly mail: string
  readonly timeMs: number
  /** encodeFeatures of the mail. */
  readonly features: Uint8Array
}

const lineFeed = 0x0a

/** Two parts: a line of JSON, which has no other line feed, and the features as they are. */
export function packScan({ id, owner, mail, timeMs, features }: RememberedScan): [Uint8Array, Uint8Array] {
  return [Buffer.from(`${JSON.stringify([id, owner, mail, timeMs])}\n`), features]
}

/** The features are a view of the bytes. */
export function unpackScan(bytes: Buffer): RememberedScan {
  const end = bytes.indexOf(lineFeed)
  const [id, owner, mail, timeMs] = JSON.parse(bytes.toString('utf8', 0, end)) as [
    string,
    string,
    string,
    number,
  ]
  return { id, owner, mail, timeMs, features: bytes.subarray(end + 1) }
}
