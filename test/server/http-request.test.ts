// The request reader: whatever the split of the bytes, the same request; and nothing it is sent makes it grow without bound.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { HeaderList } from '../../server/http-headers.js'
import { type ParsedRequest, RequestParser } from '../../server/http-request.js'

const limits = { header: 64 * 1024, body: 1024 * 1024 }

function parse(pieces: readonly (string | Buffer)[]): RequestParser {
  const parser = new RequestParser(limits.header, limits.body)
  for (const piece of pieces) parser.feed(Buffer.from(piece as string, 'latin1'))
  return parser
}

function plain(request: ParsedRequest) {
  return {
    startLine: request.startLine,
    headers: request.headers.pairs,
    body: Buffer.from(request.body).toString('latin1'),
    hasLength: request.hasLength,
  }
}

const withLength =
  'POST /checkv2 HTTP/1.1\r\nHost: x\r\nRcpt: a@x\r\nRcpt: b@x\r\nContent-Length: 11\r\n\r\nhello\r\nyou!'
const lfOnly = 'POST /checkv2 HTTP/1.0\nFrom:  a@x \nContent-Length: 5\n\nhello'
const chunked =
  'POST /checkv2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: x\r\n\r\n'

describe('request parser', () => {
  test('reads length, order and repetition of fields', () => {
    const parser = parse([withLength])
    assert.equal(parser.state, 'done')
    const request = parser.finish()
    assert.equal(request.startLine, 'POST /checkv2 HTTP/1.1')
    assert.deepEqual(request.headers.getAll('rcpt'), ['a@x', 'b@x'])
    assert.equal(request.headers.get('rcpt'), 'b@x')
    assert.equal(Buffer.from(request.body).toString(), 'hello\r\nyou!')
    assert.ok(request.body.buffer instanceof SharedArrayBuffer)
  })

  test('any split of the bytes gives the same request', () => {
    for (const text of [withLength, lfOnly, chunked]) {
      const whole = plain(parse([text]).finish())
      for (let at = 1; at < text.length; at++) {
        assert.deepEqual(plain(parse([text.slice(0, at), text.slice(at)]).finish()), whole)
      }
      assert.deepEqual(plain(parse([...text]).finish()), whole)
    }
  })

  test('LF-only lines, spaces around values, no body without a length', () => {
    assert.equal(parse([lfOnly]).finish().headers.get('from'), 'a@x')
    const parser = parse(['POST / HTTP/1.0\r\n\r\nbytes that nobody announced'])
    assert.equal(parser.state, 'done')
    assert.equal(parser.finish().hasLength, false)
    assert.equal(parser.trailingBytes, 27)
  })

  test('UTF-8 and Latin-1 values', () => {
    const utf8 = Buffer.from('GET / HTTP/1.0\r\nSubject: gr\u00fc\u00df\r\n\r\n', 'utf8').toString('latin1')
    assert.equal(parse([utf8]).finish().headers.get('subject'), 'gr\u00fc\u00df')
    assert.equal(
      parse(['GET / HTTP/1.0\r\nSubject: gr\xfc\r\n\r\n']).finish().headers.get('subject'),
      'gr\u00fc',
    )
  })

  const refused: Record<string, [string, string]> = {
    'a line without colon': ['GET / HTTP/1.0\r\nnonsense\r\n\r\n', 'malformed'],
    'two lengths': ['GET / HTTP/1.0\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 'malformed'],
    'a negative length': ['GET / HTTP/1.0\r\nContent-Length: -1\r\n\r\n', 'malformed'],
    'a length above the limit': ['GET / HTTP/1.0\r\nContent-Length: 99999999\r\n\r\n', 'too-large'],
    'a chunk size that is none': ['GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n', 'malformed'],
    'a chunk longer than told': [
      'GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n',
      'malformed',
    ],
    'chunks above the limit': [
      'GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n',
      'too-large',
    ],
    'an endless chunk extension': [
      `GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n5;${'x'.repeat(2000)}`,
      'malformed',
    ],
    'endless trailers': [
      `GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${'a: b\r\n'.repeat(5000)}`,
      'malformed',
    ],
    'an endless first line': ['x'.repeat(20_000), 'too-large'],
    'an endless header': [`GET / HTTP/1.0\r\n${'a: b\r\n'.repeat(20_000)}`, 'too-large'],
  }
  for (const [name, [text, failure]] of Object.entries(refused)) {
    test(`refuses ${name}`, () => {
      const parser = parse([text])
      assert.equal(parser.state, 'failed')
      assert.equal(parser.failure, failure)
      assert.equal(parse(text.length > 3000 ? [text] : [...text]).failure, failure)
    })
  }

  test('one-byte chunks do not cost more than the body', () => {
    const parser = new RequestParser(limits.header, 4 * 1024 * 1024)
    parser.feed(Buffer.from('POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n'))
    const thousand = Buffer.from('1\r\nx\r\n'.repeat(10_000))
    const before = process.memoryUsage()
    for (let i = 0; i < 40; i++) parser.feed(thousand)
    const after = process.memoryUsage()
    parser.feed(Buffer.from('0\r\n\r\n'))
    assert.equal(parser.finish().body.length, 400_000)
    assert.ok(after.arrayBuffers - before.arrayBuffers < 8 * 1024 * 1024)
  })

  test('random bytes never throw and never take more than they are', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), (pieces) => {
        const parser = new RequestParser(1024, 1024)
        for (const piece of pieces) parser.feed(Buffer.from(piece))
        if (parser.state === 'done') parser.finish()
      }),
    )
  })

  test('a header list can be extended, the last value winning', () => {
    const list = new HeaderList([['from', 'a']]).with([['from', 'b']])
    assert.equal(list.get('from'), 'b')
    assert.equal(list.get('to'), undefined)
  })
})
