/**
 * Kinds of tokens: each punctuation mark stands for itself, `"` for a string, `0` for a number or literal. A
 * string of kinds says which of them may follow.
 */
const VALUE = '{["0'
const NAME = '"'
const NOTHING = ''

const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y

type Token = { kind: string; end: number; isMalformed?: true }

/**
 * Finds the first character that JSON (RFC 8259) does not allow where it stands. JSON.parse tells it in some
 * of its messages only, and differently in each version of Node.js.
 * @returns its index; the length of a text that ends early; -1 for well-formed JSON
 */
export function locateJsonError(text: string): number {
  /** The closing marks of what is open, the innermost last. */
  const closings: string[] = []
  let allowed = VALUE
  for (let at = skipWhiteSpace(text, 0); at < text.length; at = skipWhiteSpace(text, at)) {
    const { kind, end, isMalformed } = readToken(text, at)
    if (!allowed.includes(kind)) return at
    if (isMalformed) return end
    const isName = kind === '"' && !allowed.includes('{')
    allowed = isName ? ':' : nextAllowed(kind, closings)
    at = end
  }
  return allowed === NOTHING ? -1 : text.length
}

/** What may follow a token other than a name. */
function nextAllowed(kind: string, closings: string[]): string {
  if (kind === '{') {
    closings.push('}')
    return `${NAME}}`
  }
  if (kind === '[') {
    closings.push(']')
    return `${VALUE}]`
  }
  if (kind === ':') return VALUE
  if (kind === ',') return closings.at(-1) === '}' ? NAME : VALUE
  if (kind === '}' || kind === ']') closings.pop()
  const closing = closings.at(-1)
  return closing ? `,${closing}` : NOTHING
}

function readToken(text: string, at: number): Token {
  const char = text.charAt(at)
  if ('{}[]:,'.includes(char)) return { kind: char, end: at + 1 }
  if (char === '"') return readString(text, at + 1)
  SCALAR.lastIndex = at
  return SCALAR.test(text) ? { kind: '0', end: SCALAR.lastIndex } : { kind: 'none', end: at }
}

/** Reads the rest of a string, without recursion and without a regular expression over all of it: it may be long. */
function readString(text: string, from: number): Token {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x22) return { kind: '"', end: at + 1 }
    if (code < 0x20) return { kind: '"', end: at, isMalformed: true }
    if (code !== 0x5c) continue
    ESCAPE.lastIndex = at
    if (!ESCAPE.test(text)) return { kind: '"', end: at, isMalformed: true }
    at = ESCAPE.lastIndex - 1
  }
  return { kind: '"', end: text.length, isMalformed: true }
}

function skipWhiteSpace(text: string, from: number): number {
  let at = from
  while (at < text.length && ' \t\n\r'.includes(text.charAt(at))) at++
  return at
}
