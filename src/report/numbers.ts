// Numbers as C's printf writes them. JavaScript's toFixed rounds exact halves up, printf to the even digit: 0.25 is "0.2" for
// SpamAssassin's users, and parsers compare.

/** `%.1f` */
export function oneDecimal(value: number): string {
  const quarters = Math.abs(value) * 4
  // Only odd quarters (0.25, 0.75) lie exactly between two tenths.
  if (quarters % 2 !== 1) return value.toFixed(1)
  const tenths = Math.abs(value) * 10
  const even = Math.floor(tenths) % 2 === 0 ? Math.floor(tenths) : Math.ceil(tenths)
  return (value < 0 ? '-' : '') + (even / 10).toFixed(1)
}

/** `%.0f` */
export function noDecimal(value: number): string {
  const size = Math.abs(value)
  if (size % 1 !== 0.5) return value.toFixed(0)
  const even = Math.floor(size) % 2 === 0 ? Math.floor(size) : Math.ceil(size)
  return (value < 0 ? '-' : '') + even
}

/**
 * The score as shown beside the threshold. Ham whose rounded score reaches the threshold would look like spam (Exim decides by the
 * printed numbers, spamd-protocol.md 2.2), so 4.96 of 5.0 shows 4.9.
 */
export function shownScore(score: number, requiredScore: number, isSpam: boolean): string {
  const shown = oneDecimal(score)
  if (isSpam || Number(shown) < Number(oneDecimal(requiredScore))) return shown
  return oneDecimal(Number(oneDecimal(requiredScore)) - 0.1)
}
