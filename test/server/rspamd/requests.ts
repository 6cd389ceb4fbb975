// Requests as bytes that rspamd and we are both asked, and how their replies are compared: equal status line, header fields, keys and types;
// values that are a server's own (versions, times, ids) by type only.
import assert from 'node:assert/strict'
import { gtube, ham, parseReply, type RawReply, scored } from './wire.js'

export function post(target: string, body: string, ...headers: string[]): string {
  const head = [`POST ${target} HTTP/1.0`, `Content-Length: ${Buffer.byteLength(body)}`, ...headers]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}

export const scanRequests: Readonly<Record<string, string>> = {
  ping: 'GET /ping HTTP/1.0\r\n\r\n',
  'ping with a body': post('/ping', 'hello'),
  'checkv2, ham': post('/checkv2', ham),
  'checkv2, add header': post('/checkv2', scored(7.25)),
  'checkv2, greylist at the threshold': post('/checkv2', scored(4)),
  'checkv2, reject': post('/checkv2', scored(20)),
  'checkv2, gtube': post('/checkv2', gtube),
  'check, ham': post('/check', ham),
  'scan, gtube': post('/scan', gtube),
  'symbols, add header': post('/symbols', scored(7)),
  'process, ham': post('/process', ham),
  'report, ham': post('/report', ham),
  'report_ifspam, ham': post('/report_ifspam', ham),
  'upper case': post('/CHECKV2', ham),
  'absolute form': post('http://example.org/checkv2', ham),
  PUT: post('/checkv2', ham).replace('POST', 'PUT'),
  'GET with a body': post('/checkv2', ham).replace('POST', 'GET'),
  'HEAD with a body': post('/checkv2', ham).replace('POST', 'HEAD'),
  'LF only': post('/checkv2', ham.replaceAll('\r', '')).replaceAll('\r', ''),
  chunked: `POST /checkv2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${Buffer.byteLength(ham).toString(16)}\r\n${ham}\r\n0\r\n\r\n`,
  'HTTP/1.1 without Host': post('/checkv2', ham).replace('HTTP/1.0', 'HTTP/1.1'),
  'empty POST': post('/checkv2', ''),
  'GET without a body': 'GET /checkv2 HTTP/1.0\r\n\r\n',
  'no length, bytes behind': `POST /checkv2 HTTP/1.0\r\n\r\n${ham}`,
  'unknown path': 'GET /nosuch HTTP/1.0\r\n\r\n',
  'trailing slash': post('/checkv2/', ham),
  'compression gzip': post('/checkv2', ham, 'Compression: gzip'),
  'zstd garbage': post('/checkv2', ham, 'Compression: zstd'),
  'flag groups': post('/checkv2', ham, 'Flags: groups'),
  'flag ext_urls': post('/checkv2', ham, 'Flags: ext_urls'),
  'URL-Format': post('/checkv2', ham, 'URL-Format: extended'),
  'unknown flag': post('/checkv2', ham, 'Flags: nosuch'),
  'flag skip': post('/checkv2', ham, 'Flags: skip'),
  'broken settings': post('/checkv2', ham, 'Settings: {"actions":'),
  'settings null': post('/checkv2', scored(5.9), 'Settings: {"actions":{"reject":null}}'),
  'Settings-ID unknown': post('/checkv2', ham, 'Settings-ID:  nospam'),
  'query arguments': post('/checkv2?ip=10.1.1.1&from=q@example.com&pass=all', ham),
  'strange envelope': post(
    '/checkv2',
    ham,
    'From: <>',
    'IP: unknown',
    'Rcpt: <a@x>,b@x',
    'SPF: [object Object]',
  ),
  'two pipelined':
    post('/checkv2', ham).replace('HTTP/1.0', 'HTTP/1.1\r\nConnection: keep-alive') + post('/ping', ''),
  'text without headers': post('/checkv2', 'just text\r\n'),
  'mbox line': post('/checkv2', `From a@b Sat Nov 21 23:55:18 2026\n${ham}`),
  'garbage line': 'nonsense\r\n\r\n',
  'no leading slash': 'GET checkv2 HTTP/1.0\r\n\r\n',
  'RSPAMC CHECK': `CHECK RSPAMC/1.3\r\nContent-length: ${Buffer.byteLength(ham)}\r\n\r\n${ham}`,
  'RSPAMC SYMBOLS, add header': `SYMBOLS RSPAMC/1.1\r\nContent-length: ${Buffer.byteLength(scored(7))}\r\n\r\n${scored(7)}`,
  'RSPAMC, gtube': `CHECK RSPAMC/1.3\r\nContent-length: ${Buffer.byteLength(gtube)}\r\n\r\n${gtube}`,
  'RSPAMC, negative score': `CHECK RSPAMC/1.3\r\nContent-length: ${Buffer.byteLength(scored(-0.25))}\r\n\r\n${scored(-0.25)}`,
  'RSPAMC without length': `CHECK RSPAMC/1.3\r\nFrom: <a@b>\r\n\r\n`,
  'RSPAMC PING': 'PING RSPAMC/1.3\r\n\r\n',
  'RSPAMC lower case': 'check RSPAMC/1.3\r\n\r\n',
}

export const controllerRequests: Readonly<Record<string, string>> = {
  ping: 'GET /ping HTTP/1.0\r\n\r\n',
  'no password': 'GET /stat HTTP/1.0\r\n\r\n',
  'wrong password': 'GET /stat HTTP/1.0\r\nPassword: q1\r\n\r\n',
  'stat read': 'GET /stat HTTP/1.0\r\nPassword: readpw\r\n\r\n',
  'stat enable': 'GET /stat?password=enablepw HTTP/1.0\r\n\r\n',
  auth: 'GET //AUTH HTTP/1.0\r\npassword: readpw\r\n\r\n',
  'learn read only': post('/learnspam', ham, 'Password: readpw'),
  'learn empty': post('/learnspam', '', 'Password: enablepw'),
  actions: 'GET /actions HTTP/1.0\r\nPassword: readpw\r\n\r\n',
  pie: 'GET /pie HTTP/1.0\r\nPassword: readpw\r\n\r\n',
  maps: 'GET /maps HTTP/1.0\r\nPassword: readpw\r\n\r\n',
  'getmap without id': 'GET /getmap HTTP/1.0\r\nPassword: readpw\r\n\r\n',
  'getmap not a number': 'GET /getmap HTTP/1.0\r\nPassword: readpw\r\nMap: x\r\n\r\n',
  'getmap unknown': 'GET /getmap HTTP/1.0\r\nPassword: readpw\r\nMap: 12\r\n\r\n',
  'savemap read only': post('/savemap', 'x', 'Password: readpw'),
  'savemap without id': post('/savemap', 'x', 'Password: enablepw'),
  'savemap empty': post('/savemap', '', 'Password: enablepw', 'Map: 1'),
  neighbours: 'GET /neighbours HTTP/1.0\r\nPassword: readpw\r\n\r\n',
  plugins: 'GET /plugins HTTP/1.0\r\nPassword: readpw\r\n\r\n',
  healthy: 'GET /healthy HTTP/1.0\r\nPassword: readpw\r\n\r\n',
  statreset: post('/statreset', '', 'Password: enablepw'),
  historyreset: post('/historyreset', '', 'Password: enablepw'),
  'historyreset read only': post('/historyreset', '', 'Password: readpw'),
  'errors read only': 'GET /errors HTTP/1.0\r\nPassword: readpw\r\n\r\n',
  'unknown path': 'GET /nosuch HTTP/1.0\r\n\r\n',
  'trailing slash': 'GET /stat/ HTTP/1.0\r\nPassword: readpw\r\n\r\n',
  OPTIONS: 'OPTIONS /stat HTTP/1.0\r\n\r\n',
  PUT: post('/stat', 'x', 'Password: readpw').replace('POST', 'PUT'),
  HEAD: 'HEAD /stat HTTP/1.0\r\nPassword: readpw\r\n\r\n',
  'checkv2, ham': post('/checkv2', ham, 'Password: readpw'),
  'checkv2, gtube': post('/checkv2', gtube, 'Password: readpw'),
  'scan, add header': post('/scan', scored(7), 'Password: readpw'),
  'compression gzip': post('/checkv2', ham, 'Password: readpw', 'Compression: gzip'),
  'LF only': post('/checkv2', ham.replaceAll('\r', ''), 'Password: readpw').replaceAll('\r', ''),
  'fuzzyadd empty': post('/fuzzyadd', '', 'Password: enablepw'),
  'RSPAMC on the controller': 'CHECK RSPAMC/1.3\r\nContent-length: 0\r\n\r\n',
  'unix-like forwarded': 'GET /stat HTTP/1.0\r\nX-Forwarded-For: 127.0.0.1\r\n\r\n',
}

/** Keys that only we or only a newer rspamd than the installed one send. */
const added = new Set(['thresholds', 'milter', 'rmilter', 'notes'])
/** Numbers and texts that differ from server to server. */
const own =
  /^(?:version|config_id|uptime|time_real|scan_times|pools|bytes_|chunks|shared_|fragmented|connections|control_|statfiles|fuzzy|actions$|scanned|learned|read_only|clean|probable|greylist|ham_count|spam_count|total_learns|x|y|data|value)/

export function compare(mine: Buffer, theirs: Buffer): void {
  if (!theirs.toString('latin1').startsWith('HTTP/')) {
    assert.equal(mine.toString('latin1'), theirs.toString('latin1'))
    return
  }
  const [a, b] = [parseReply(mine), parseReply(theirs)]
  assert.equal(`${a.status} ${a.phrase}`, `${b.status} ${b.phrase}`)
  assert.deepEqual(fieldNames(a), fieldNames(b))
  assert.equal(a.headers.get('content-type'), b.headers.get('content-type'))
  if (b.json === undefined) assert.equal(a.body.toString(), b.body.toString())
  else assert.deepEqual(shape(a.json), shape(b.json))
}

function fieldNames(reply: RawReply): string[] {
  return [...reply.headers.keys()].sort()
}

/** The value with everything of its own replaced by its type. */
function shape(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return own.test(key) ? 'array' : value.map((item) => shape(item))
  if (typeof value === 'object' && value !== null) {
    if (own.test(key)) return 'object'
    const entries = Object.entries(value).filter(([name]) => !added.has(name))
    return Object.fromEntries(entries.map(([name, item]) => [name, shape(item, name)]))
  }
  return own.test(key) ? typeof value : value
}
