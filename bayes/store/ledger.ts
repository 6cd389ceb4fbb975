// The ledger: every learning is a row saying who taught what, when and from where. It is the truth; counts are sums over its counted
// rows and weights one pass over them, so anything can be taken back exactly. In: rows and filters. Out: rows. SQLite in WAL with full
// synchronisation: what was acknowledged survives kill -9 and a power cut.
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { Spent } from '../../src/free.js'
import { type Features, tokenizerVersion } from '../features.js'
import { encodeFeatures, FeatureReader } from './codec.js'

/** counted: part of the model. held: waits for review. superseded: a later row of the same mail counts. revoked: taken back. */
export const states = { counted: 0, held: 1, superseded: 2, revoked: 3 } as const
export type State = keyof typeof states
const stateNames = Object.keys(states) as State[]

export interface LedgerRow {
  readonly seq: number
  /** '' is the site's model, else the user whose own model it is. */
  readonly owner: string
  readonly mail: string
  readonly isSpam: boolean
  readonly timeMs: number
  readonly source: string
  readonly scanId: string | undefined
  readonly state: State
  /** The rest of the ledger was sure of the opposite when this was taught. */
  readonly contradicts: boolean
}

export interface RowFilter {
  readonly seq?: number
  readonly owner?: string
  readonly source?: string
  readonly scanId?: string
  readonly fromMs?: number
  readonly toMs?: number
  readonly states?: readonly State[]
}

export interface CountedFeatures {
  readonly features: Features
  readonly isSpam: boolean
  readonly seq: number
}

interface RawRow {
  seq: number
  owner: string
  mail: string
  class: number
  time: number
  source: string
  scan: string | null
  state: number
  contradicts: number
}

const schema = `
create table if not exists meta (key text primary key, value) without rowid;
create table if not exists ledger (
  seq integer primary key autoincrement,
  owner text not null,
  mail text not null,
  class integer not null,
  time integer not null,
  source text not null,
  scan text,
  state integer not null,
  contradicts integer not null default 0,
  features blob not null
);
create index if not exists ledger_mail on ledger (owner, mail, seq);
create index if not exists ledger_source on ledger (source, seq);
create table if not exists imported (owner text not null, token blob not null, spam integer not null, ham integer not null,
  primary key (owner, token)) without rowid;
`
const columns = 'seq, owner, mail, class, time, source, scan, state, contradicts'
const schemaVersion = 1

/** How opening went; a damaged file is set aside under another name and said, never deleted. */
export interface Opened {
  readonly ledger: Ledger
  readonly notes: readonly string[]
}

export function openLedger(dataDir: string | undefined, readOnly: boolean, salt: () => number): Opened {
  if (dataDir === undefined) return { ledger: new Ledger(new Database(':memory:'), false, salt), notes: [] }
  const file = join(dataDir, 'learner.db')
  if (readOnly) return { ledger: new Ledger(openForReading(file), true, salt), notes: [] }
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  try {
    return { ledger: openChecked(file, salt), notes: [] }
  } catch (error) {
    if (!isDamage(error)) throw error
    const aside = setAside(file)
    const reason = error instanceof Error ? error.message : String(error)
    return {
      ledger: openChecked(file, salt),
      notes: [
        `the learner's database was damaged (${reason}); it is kept as ${aside} and learning starts anew`,
      ],
    }
  }
}

/** On a disk that can't be written SQLite opens no WAL file, so the file is read whole instead, marked as one without WAL. */
function openForReading(file: string): Database.Database {
  try {
    const db = new Database(file, { readonly: true })
    db.prepare('select count(*) from meta').get()
    return db
  } catch (error) {
    if (isDamage(error)) throw error
    const bytes = readFileSync(file)
    bytes[18] = 1
    bytes[19] = 1
    return new Database(bytes)
  }
}

function openChecked(file: string, salt: () => number): Ledger {
  const db = new Database(file)
  makePrivate(file)
  try {
    const check = db.pragma('quick_check(1)', { simple: true })
    if (check !== 'ok') throw Object.assign(new Error(String(check)), { code: 'SQLITE_CORRUPT' })
    return new Ledger(db, false, salt)
  } catch (error) {
    db.close()
    throw error
  }
}

/** Nobody else reads what was learned. On a file of another owner the mode stays as it is. */
export function makePrivate(file: string): void {
  try {
    chmodSync(file, 0o600)
  } catch (error) {
    if ((error as { code?: string }).code !== 'EPERM') throw error
  }
}

export function isDamage(error: unknown): boolean {
  const code = (error as { code?: unknown })?.code
  return typeof code === 'string' && (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB')
}

function setAside(file: string): string {
  const stamp = new Date().toISOString().replace(/[:.]/g, '-')
  const aside = `${file}.damaged-${stamp}`
  for (const suffix of ['', '-wal', '-shm'])
    if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix)
  return aside
}

export class Ledger {
  readonly salt: number
  private readonly statements = new Map<string, Database.Statement>()
  private readonly reader = new FeatureReader()
  /** What SQLite gave out. */
  private readonly spent = new Spent()

  constructor(
    readonly db: Database.Database,
    readonly readOnly: boolean,
    salt: () => number,
  ) {
    if (!readOnly) {
      db.pragma('journal_mode = wal')
      db.pragma('synchronous = full')
      db.pragma('wal_autocheckpoint = 4000')
      db.exec(schema)
    }
    db.pragma('cache_size = -1000')
    const version = this.meta('tokenizer')
    if (version !== undefined && version !== tokenizerVersion)
      throw new Error(
        `learner.db was written with tokenizer ${version}, this is ${tokenizerVersion}: learn again`,
      )
    const stored = this.meta('salt')
    if (typeof stored === 'number') this.salt = stored
    else {
      this.salt = salt()
      this.setMeta('salt', this.salt)
      this.setMeta('tokenizer', tokenizerVersion)
      this.setMeta('schema', schemaVersion)
    }
  }

  meta(key: string): unknown {
    return (this.get('select value from meta where key = ?').get(key) as { value: unknown } | undefined)
      ?.value
  }

  setMeta(key: string, value: string | number): void {
    this.get('insert into meta values (?, ?) on conflict do update set value = excluded.value').run(
      key,
      value,
    )
  }

  /** Runs `work` as one transaction: all of it is kept or nothing. */
  transaction<T>(work: () => T): T {
    return this.db
      .transaction(() => {
        this.touch()
        return work()
      })
      .immediate()
  }

  add(row: Omit<LedgerRow, 'seq'>, features: Features): number {
    return Number(
      this.get(
        `insert into ledger (owner, mail, class, time, source, scan, state, contradicts, features) values (?,?,?,?,?,?,?,?,?)`,
      ).run(
        row.owner,
        row.mail,
        row.isSpam ? 1 : 0,
        row.timeMs,
        row.source,
        row.scanId ?? null,
        states[row.state],
        row.contradicts ? 1 : 0,
        encodeFeatures(features),
      ).lastInsertRowid,
    )
  }

  /** The row that counts for a mail, or the one that is held. */
  current(owner: string, mail: string): LedgerRow | undefined {
    const raw = this.get(
      `select ${columns} from ledger where owner = ? and mail = ? and state in (0, 1) order by seq desc limit 1`,
    ).get(owner, mail) as RawRow | undefined
    return raw && toRow(raw)
  }

  /** The latest row of a mail that a later one pushed aside. */
  lastSuperseded(owner: string, mail: string): LedgerRow | undefined {
    const raw = this.get(
      `select ${columns} from ledger where owner = ? and mail = ? and state = 2 order by seq desc limit 1`,
    ).get(owner, mail) as RawRow | undefined
    return raw && toRow(raw)
  }

  setState(seq: number, state: State): void {
    this.get('update ledger set state = ? where seq = ?').run(states[state], seq)
  }

  /** Removes every trace of a mail. */
  remove(owner: string, mail: string): void {
    this.get('delete from ledger where owner = ? and mail = ?').run(owner, mail)
  }

  removeRow(seq: number): void {
    this.get('delete from ledger where seq = ?').run(seq)
  }

  row(seq: number): LedgerRow | undefined {
    const raw = this.get(`select ${columns} from ledger where seq = ?`).get(seq) as RawRow | undefined
    return raw && toRow(raw)
  }

  /** Valid until the next call. */
  features(seq: number, mail: string): Features {
    const raw = this.get('select features from ledger where seq = ?').get(seq) as { features: Buffer }
    const features = this.reader.read(mail, raw.features)
    this.spent.add(raw.features)
    return features
  }

  find(filter: RowFilter, limit = -1): LedgerRow[] {
    const where = ['1 = 1']
    const values: (string | number)[] = []
    const add = (condition: string, value: string | number | undefined): void => {
      if (value === undefined) return
      where.push(condition)
      values.push(value)
    }
    add('seq = ?', filter.seq)
    add('owner = ?', filter.owner)
    add('source = ?', filter.source)
    add('scan = ?', filter.scanId)
    add('time >= ?', filter.fromMs)
    add('time < ?', filter.toMs)
    if (filter.states) where.push(`state in (${filter.states.map((state) => states[state]).join(',')})`)
    return (
      this.db
        .prepare(`select ${columns} from ledger where ${where.join(' and ')} order by seq limit ?`)
        .all(...values, limit) as RawRow[]
    ).map(toRow)
  }

  /**
   * Counted rows of an owner in the order of a hash of the mail: the same set gives the same order, however it was learned. `round` 0 to 3
   * gives four orders that have nothing to do with each other: the identity is 32 hex digits of a hash.
   */
  *countedInHashOrder(owner: string, round = 0): Generator<CountedFeatures> {
    const rows = this.get(
      'select seq, mail, class from ledger where owner = ? and state = 0 order by substr(mail, ?), mail, seq',
    ).all(owner, 1 + 8 * round) as { seq: number; mail: string; class: number }[]
    yield* this.featuresOf(rows)
  }

  /** Counted rows of an owner that came after a row, in their order. */
  *countedAfter(owner: string, lastSeq: number): Generator<CountedFeatures> {
    const rows = this.get(
      'select seq, mail, class from ledger where owner = ? and state = 0 and seq > ? order by seq',
    ).all(owner, lastSeq) as { seq: number; mail: string; class: number }[]
    yield* this.featuresOf(rows)
  }

  get lastSeq(): number {
    return this.get('select coalesce(max(seq), 0) from ledger').pluck().get() as number
  }

  /** Rows that went away since they were listed are left out. Features are valid until the next ones. */
  private *featuresOf(
    rows: readonly { seq: number; mail: string; class: number }[],
  ): Generator<CountedFeatures> {
    const find = this.get('select features from ledger where seq = ?')
    const reader = new FeatureReader()
    for (const { seq, mail, class: spam } of rows) {
      const raw = find.get(seq) as { features: Buffer } | undefined
      if (!raw) continue
      const features = reader.read(mail, raw.features)
      this.spent.add(raw.features)
      yield { features, isSpam: spam === 1, seq }
    }
  }

  /** Sequence numbers of the counted rows of one class. */
  seqs(owner: string, isSpam: boolean): number[] {
    return this.get('select seq from ledger where owner = ? and state = 0 and class = ? order by seq')
      .pluck()
      .all(owner, isSpam ? 1 : 0) as number[]
  }

  owners(): string[] {
    return this.get(`select distinct owner from ledger where state = 0`).pluck().all() as string[]
  }

  oldest(count: number, owner?: string): LedgerRow[] {
    const raw =
      owner === undefined
        ? this.get(`select ${columns} from ledger order by seq limit ?`).all(count)
        : this.get(`select ${columns} from ledger where owner = ? order by seq limit ?`).all(owner, count)
    return (raw as RawRow[]).map(toRow)
  }

  count(): number {
    return this.get('select count(*) from ledger').pluck().get() as number
  }

  /** Of the last `window` counted or held learnings of a source: how many, and how many contradicted the rest. */
  reputation(source: string, window: number): { readonly n: number; readonly contradicting: number } {
    return this.get(
      `select count(*) as n, coalesce(sum(contradicts), 0) as contradicting
       from (select contradicts from ledger where source = ? and state in (0, 1) order by seq desc limit ?)`,
    ).get(source, window) as { n: number; contradicting: number }
  }

  /** Grows with every transaction that changes what counts; the stamp of snapshots. */
  get changes(): number {
    return (this.meta('changes') as number | undefined) ?? 0
  }

  private touch(): void {
    this.setMeta('changes', this.changes + 1)
  }

  /** Puts imported counts in the place of earlier ones. */
  setImported(
    totals: { spam: number; ham: number },
    tokens: Iterable<{ token: Uint8Array; spam: number; ham: number }>,
  ): void {
    this.get("delete from imported where owner = ''").run()
    const put = this.get("insert or replace into imported values ('', ?, ?, ?)")
    for (const { token, spam, ham } of tokens) put.run(token, spam, ham)
    this.setMeta('imported_spam', totals.spam)
    this.setMeta('imported_ham', totals.ham)
  }

  imported():
    | { spam: number; ham: number; tokens: { token: Buffer; spam: number; ham: number }[] }
    | undefined {
    const spam = this.meta('imported_spam')
    const ham = this.meta('imported_ham')
    if (typeof spam !== 'number' || typeof ham !== 'number' || spam + ham === 0) return undefined
    const tokens = this.get("select token, spam, ham from imported where owner = ''").all()
    return { spam, ham, tokens: tokens as { token: Buffer; spam: number; ham: number }[] }
  }

  get sizeBytes(): number {
    return (
      (this.db.pragma('page_count', { simple: true }) as number) *
      (this.db.pragma('page_size', { simple: true }) as number)
    )
  }

  close(): void {
    this.statements.clear()
    this.db.close()
  }

  private get(sql: string): Database.Statement {
    let statement = this.statements.get(sql)
    if (!statement) this.statements.set(sql, (statement = this.db.prepare(sql)))
    return statement
  }
}

function toRow(raw: RawRow): LedgerRow {
  return {
    seq: raw.seq,
    owner: raw.owner,
    mail: raw.mail,
    isSpam: raw.class === 1,
    timeMs: raw.time,
    source: raw.source,
    scanId: raw.scan ?? undefined,
    state: stateNames[raw.state]!,
    contradicts: raw.contradicts === 1,
  }
}
