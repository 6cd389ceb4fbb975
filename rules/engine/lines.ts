// Turns .pre and .cf texts into the lines that count: comments and blanks off, `lang` and conditionals decided, includes put in place.
// What a line means is not known here. Quirks of SpamAssassin that rule files may lean on are kept: the end of any file, an included
// one too, closes every open `if` (micro-head.md 52); a second `else` toggles again; `include` is obeyed in a false branch.
import { ExpressionError, evaluate, parseExpression } from './expression.js'
import { perlVersionNumber, versionNumber, versionText } from './features.js'
import type { Place, Problem } from './types.js'

/** What the text is read for. */
export interface LineSink {
  /** A line that is neither a conditional nor skipped. `key` is lower case with `_`; false = nobody knows it. */
  line(key: string, value: string, place: Place, whole: string): void
  problem(place: Place, kind: string, text: string, severity?: Problem['severity']): void
  /** Text of an included file, and the name it is known by; undefined when it cannot be read. */
  include(path: string, from: string): { readonly name: string; readonly text: string } | undefined
  pluginLoaded(name: string): boolean
  /** Answer to can() and has(); undefined = the question may not be asked here. */
  can(name: string): boolean | undefined
  readonly local: boolean
}

/** Running locale as `lang` lines see it; the C locale counts as this. */
const locale = 'en_US'
/** Files included one in another; stops a file that includes itself. */
const includeDepthMax = 10

interface OpenIf {
  readonly type: string
  readonly line: number
  readonly skipBefore: boolean
}

export class LineReader {
  private skip = false
  private open: OpenIf[] = []
  private depth = 0
  private readonly sink: LineSink
  private readonly known = new Map<string, boolean>()

  constructor(sink: LineSink) {
    this.sink = sink
  }

  /** Reads one text to its end. */
  read(name: string, text: string): void {
    const lines = text.split('\n')
    if (lines.at(-1) === '') lines.pop()
    for (let index = 0; index < lines.length; index++) {
      const line = cleanLine(lines[index]!)
      if (line !== '' && line !== '0') this.take(line, { file: name, line: index + 1 })
    }
    this.endOfFile(name)
  }

  private endOfFile(name: string): void {
    for (const { type, line } of this.open)
      this.sink.problem(
        { file: name, line },
        'unclosed-if',
        `unclosed '${type}' found in ${name} (line ${line})`,
      )
    this.open = []
    this.skip = false
  }

  private take(line: string, place: Place): void {
    let rest = line
    const lang = /^lang[\t-\r ]+([^\t-\r ]+)[\t-\r ]+/.exec(line)
    if (lang) {
      if (!matchesLocale(lang[1]!)) return
      rest = line.slice(lang[0].length)
    }
    const space = /[\t-\r ]+/.exec(rest)
    const written = space ? rest.slice(0, space.index) : rest
    const value = space ? rest.slice(space.index + space[0].length) : ''
    const key = written.toLowerCase().replace(/-/g, '_')
    if (this.conditional(key, value, place)) return
    if (this.skip) return
    if (key === 'require_version') this.requireVersion(value, place)
    else this.sink.line(key, value, place, rest)
  }

  private conditional(key: string, value: string, place: Place): boolean {
    switch (key) {
      case 'if':
      case 'ifplugin':
        if (value === '') this.sink.problem(place, 'bad-condition', `missing '${key}' condition`)
        else this.openIf(key, key === 'if' ? value : `plugin (${value})`, place)
        return true
      case 'else':
        if (value !== '') this.sink.problem(place, 'bad-condition', `'${key}' must be standalone`)
        else if (this.open.length === 0)
          this.sink.problem(place, 'bad-condition', `'${key}' missing starting if`)
        else this.skip = this.open.some((entry) => entry.skipBefore) || !this.skip
        return true
      case 'endif': {
        if (value !== '') {
          this.sink.problem(place, 'bad-condition', `'${key}' must be standalone`)
          return true
        }
        const last = this.open.pop()
        if (last) this.skip = last.skipBefore
        else this.sink.problem(place, 'bad-condition', `missing starting 'if' for '${key}'`)
        return true
      }
      case 'include':
        if (value === '') this.sink.problem(place, 'missing-value', `missing '${key}' value`)
        else this.includeFile(value, place)
        return true
      case 'file':
        this.sink.problem(place, 'missing-value', `missing '${key}' value`)
        return true
      default:
        return false
    }
  }

  private openIf(type: string, condition: string, place: Place): void {
    const holds = this.decide(condition, place)
    if (holds === undefined) return
    this.open.push({ type, line: place.line, skipBefore: this.skip })
    if (!holds) this.skip = true
  }

  /** Undefined when SpamAssassin refuses the whole line. */
  private decide(condition: string, place: Place): boolean | undefined {
    const before = this.known.get(condition)
    if (before !== undefined) return before
    let holds = false
    try {
      const tree = parseExpression(condition, 'condition')
      const call = (name: string, argument: string) => this.call(name, argument, place)
      holds = evaluate(tree, wordValue(this.sink), call) !== 0
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error
      const text = `error parsing conditional '${condition}': ${error.message}`
      this.sink.problem(place, 'bad-condition', text, error.refused ? 'error' : 'warning')
      if (error.refused) return undefined
    }
    // enable_compat and loadplugin may change the answer within a file set; SpamAssassin remembers the first one as well.
    this.known.set(condition, holds)
    return holds
  }

  private call(name: string, argument: string, place: Place): boolean {
    if (name === 'plugin') return this.sink.pluginLoaded(argument)
    if (argument === '') {
      this.sink.problem(place, 'bad-condition', `bad 'if' line, no argument to ${name}()`)
      return false
    }
    if (!argument.includes('::')) {
      this.sink.problem(place, 'bad-condition', `bad 'if' line, cannot find '::' in ${name}(${argument})`)
      return false
    }
    const answer = this.sink.can(argument)
    if (answer === undefined) {
      this.sink.problem(place, 'bad-condition', `'if can ${argument}' not available in user_prefs`, 'warning')
      return false
    }
    return answer
  }

  private includeFile(path: string, place: Place): void {
    this.endOfFile(place.file)
    if (this.depth >= includeDepthMax) {
      this.sink.problem(place, 'bad-include', `include '${path}' is nested too deeply`)
      return
    }
    const found = this.sink.include(path, place.file)
    if (!found) {
      this.sink.problem(place, 'bad-include', `cannot open included file '${path}'`, 'warning')
      return
    }
    this.depth++
    this.read(found.name, found.text)
    this.depth--
  }

  private requireVersion(value: string, place: Place): void {
    if (value === '') this.sink.problem(place, 'missing-value', "missing 'require_version' value")
    else if (value !== '@@VERSION@@' && value !== versionText) {
      this.sink.problem(
        place,
        'wrong-version',
        `requires version ${value} of SpamAssassin, this reads rules of ${versionText}: the rest of the file is skipped`,
      )
      this.skip = true
    }
  }
}

/** Comment and outer blanks off; `\#` is a plain `#`. */
function cleanLine(line: string): string {
  let text = line
  if (text.includes('#')) text = text.replace(/(?<!\\)#.*$/s, '').replace(/\\#/g, '#')
  return text.replace(/^[\t-\r ]+/, '').replace(/[\t-\r ]+$/, '')
}

function matchesLocale(pattern: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})`, 'i').test(locale)
  } catch {
    return false
  }
}

function wordValue(sink: LineSink): (name: string) => number {
  return (name) => {
    if (name === 'version') return versionNumber
    if (name === 'perl_version') return perlVersionNumber
    if (name === 'local_tests_only') return sink.local ? 1 : 0
    // Any other word is a string to Perl, and true.
    return 1
  }
}
