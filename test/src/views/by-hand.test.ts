// Forms that are read by hand say what the general way says, and what is remembered stays bounded and right.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Remembered } from '../../../src/message/remembered.js'
import { parseAddresses } from '../../../src/views/addresses.js'
import { findTraceDate, parseDate } from '../../../src/views/dates.js'
import { createDomains } from '../../../src/views/domains.js'
import { bytePattern } from '../../../src/views/pattern.js'
import { withoutDate } from '../../../src/views/received-date.js'
import { generalShapes, ignoredShapes, sendmailShape } from '../../../src/views/received-shapes.js'
import { cleanUri, hostPlaces, uriHost } from '../../../src/views/uri-clean.js'

/** The same numbers at every run. */
function dice(seed: number): (sides: number) => number {
  let state = seed
  return (sides) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return (state >> 8) % sides
  }
}

function pick<T>(roll: (sides: number) => number, choices: readonly T[]): T {
  return choices[roll(choices.length)]!
}

test('a date in the usual form is the one that a search through odd text finds', () => {
  const roll = dice(1)
  for (let round = 0; round < 2000; round++) {
    const day = pick(roll, ['Thu, ', 'Thu ', 'Thu,', '', ' ', 'Mar, '])
    const month = pick(roll, ['Aug', 'feb', 'DEC', 'Foo'])
    const clock = pick(roll, ['12:46:01', '1:02:03', '25:61:61', '12:46', '12:46:1', '123:45:01'])
    const zone = pick(roll, ['+0100', '-0930', '+9999', 'EST', '+010', '+01000', '+0100 (BST)'])
    const text = `${day}${roll(40)} ${month} ${pick(roll, ['2002', '02', '1969', '2040'])} ${clock} ${zone}`
    // A dash in front is no part of a date, but of no usual form either.
    assert.equal(parseDate(text), parseDate(`- ${text}`), text)
  }
})

test('every month of the years that count begins when the calendar says', () => {
  const names = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')
  for (let year = 1970; year <= 2037; year++)
    for (const [index, name] of names.entries())
      for (const day of [1, 28]) {
        const expected = Date.UTC(year, index, day, 3, 4, 5) / 1000
        assert.equal(parseDate(`${day} ${name} ${year} 03:04:05 +0000`), expected, `${day} ${name} ${year}`)
      }
  // What is left of a leap day in the last year that counts.
  assert.equal(parseDate('29 Feb 2040 00:00:00 +0000'), Date.UTC(2037, 2, 1) / 1000)
})

test('the date of a trace line is where its pattern finds it', () => {
  const pattern = bytePattern('(\\s.?\\d+ \\S\\S\\S \\d+ \\d+:\\d+:\\d+ \\S+)')
  const roll = dice(2)
  const pieces = [
    ' ',
    ' ',
    ';',
    '22',
    '7',
    'Aug',
    ':::',
    '1:2',
    '2002',
    '12:46:01',
    '1:2:3:4',
    '+0100',
    'x',
    '\t',
  ]
  for (let round = 0; round < 20_000; round++) {
    const words = Array.from({ length: 4 + roll(12) }, () => pick(roll, pieces))
    const line = `${words.join(' ')}${pick(roll, ['', '; Thu, 22 Aug 2002 12:46:01 +0100', ';7 x:y 1 1:1:1 z'])}`
    assert.equal(findTraceDate(line), pattern.exec(line)?.[1], line)
  }
})

test('the date at the end of a Received line is what its pattern takes off', () => {
  const pattern = bytePattern(
    '(?<![\\s;])[\\s;]+(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?\\d+ (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \\d+ \\d+:\\d+(?::\\d+)? \\S+$',
  )
  const roll = dice(5)
  let taken = 0
  for (let round = 0; round < 20_000; round++) {
    const words = [
      pick(roll, ['from a by b', 'a;b', ';', 'x;', 'Foo,', '']),
      pick(roll, ['Mon,', 'Sun,', 'Mo,', 'Monday,', '', ';Wed,', ';']),
      pick(roll, ['1', '22', '22', 'x', ';3', '003']),
      pick(roll, ['Jan', 'Aug', 'Dec', 'aug', 'Augu', 'an']),
      pick(roll, ['2002', '02', 'x2']),
      pick(roll, ['12:46:01', '1:2', '1:2:3:4', '12', '1:', '::1', ':1:2']),
      pick(roll, ['+0100', 'x', 'GMT;', '+0100 (IST)', '']),
    ]
    const line = words.join(' ').replace(/ +/g, ' ').trim()
    const date = pattern.exec(line)
    if (date) taken++
    assert.equal(withoutDate(line), date ? line.slice(0, date.index) : line, line)
  }
  assert.ok(taken > 500)
})

test('a shape fits no line whose second word it rules out', () => {
  const pieces =
    'a.example [192.0.2.1] (192.0.2.1) (b.example by d.example with SMTP (x) HELO c) (HELO c) ([192.0.2.1]) [(192.0.2.1)] ( [192.0.2.1]) id 127.0.0.1'
  const roll = dice(6)
  let ruledOut = 0
  for (let round = 0; round < 5000; round++) {
    const words = Array.from({ length: 3 + roll(8) }, () => pick(roll, pieces.split(' ')))
    const line = words.join(' ')
    for (const { second, pattern } of [sendmailShape, ...generalShapes, ...ignoredShapes]) {
      if (second === '' || line.startsWith(second, line.indexOf(' ') + 1)) continue
      assert.ok(!pattern.test(line), `${pattern} fits ${line}`)
      ruledOut++
    }
  }
  assert.ok(ruledOut > 5000)
})

test('a URI without any disguise has the forms and the host that the long way finds', () => {
  const domains = createDomains(undefined)
  const options = {
    domains,
    idn: 'punycode' as const,
    redirectTarget: () => undefined,
    mayFollow: () => true,
  }
  const places = hostPlaces(domains, 'punycode')
  const pieces =
    'a www. www b.example .com com . - 1 192.0.2.1 localhost / /x ? = & # : :80 @ % %41 A ( ; \\ http://'.split(
      ' ',
    )
  const roll = dice(7)
  let alone = 0
  for (let round = 0; round < 20_000; round++) {
    const start = pick(roll, ['http://', 'http://', 'https://', 'http://www.'])
    const uri = start + Array.from({ length: 1 + roll(5) }, () => pick(roll, pieces)).join('')
    const forms = cleanUri(uri, false, options)
    // A line end goes, and a scheme in capitals is none that is read by hand.
    assert.deepEqual(forms, cleanUri(`${uri}\n`, false, options), uri)
    assert.deepEqual(uriHost(uri, places), uriHost(uri.replace('http', 'HTTP'), places), uri)
    if (forms.length === 1) alone++
  }
  assert.ok(alone > 2000)
})

test('a mailbox in the usual form is the one that the grammar reads', () => {
  const roll = dice(3)
  const pieces = [
    'a',
    'Name',
    ' ',
    '"',
    '"x, y"',
    '<',
    '>',
    '@',
    'b@c.example',
    '.',
    ',',
    '(c)',
    ':',
    '\\',
    '[1]',
    '\xe9',
  ]
  for (let round = 0; round < 20_000; round++) {
    const written = Array.from({ length: 1 + roll(7) }, () => pick(roll, pieces)).join('')
    // Blanks at the end of a field are dropped, those before a comma are not.
    const raw = written.trimEnd()
    // With a second mailbox behind it the field has no usual form.
    const [first, ...more] = parseAddresses(`${raw}\n`)
    const all = parseAddresses(`${raw}, z@z.example\n`)
    if (more.length === 0 && all.length === 2) assert.deepEqual(all[0], first, raw)
  }
})

test('texts are worked out once as long as they are asked for, however many others come', () => {
  const made: string[] = []
  const lengths = new Remembered(10, (text) => {
    made.push(text)
    return text.length
  })
  for (let round = 0; round < 100; round++) {
    assert.equal(lengths.get('asked again and again'), 21)
    for (let other = 0; other < 9; other++) assert.equal(lengths.get(`other ${round} ${other}`) > 0, true)
  }
  assert.equal(made.filter((text) => text === 'asked again and again').length, 1)
  assert.equal(lengths.get('other 0 0'), 9)
  assert.equal(made.filter((text) => text === 'other 0 0').length, 2)
})
